package github

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"
)

var deploymentOperations = map[string]handler{
	"repos/create-deployment": (*Server).createDeployment, "repos/list-deployments": (*Server).listDeployments, "repos/get-deployment": (*Server).getDeployment,
	"repos/create-deployment-status": (*Server).createStatus, "repos/list-deployment-statuses": (*Server).listStatuses,
}

// Deployment is a deployment as tests see it.
type Deployment struct {
	ID               int64
	Ref, Environment string
	Task             string
	Description      string
	Payload          any
	Creator          string
	Production       bool
	CreatedAt        time.Time
	Statuses         []DeploymentStatus // oldest first
}

// DeploymentStatus is what became of a deployment.
type DeploymentStatus struct {
	ID             int64
	State          string
	Description    string
	EnvironmentURL string
	LogURL         string
	Creator        string
	CreatedAt      time.Time
}

type deployment struct{ Deployment }

// Deployments returns the deployments of a repository in the order of their creation.
func (s *Server) Deployments(repo string) []Deployment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Deployment
	for _, d := range sorted(s.repo(repo).deployments) {
		out = append(out, d.Deployment)
	}
	return out
}

func (s *Server) deploymentJSON(name string, d *deployment) map[string]any {
	payload := d.Payload
	if payload == nil {
		payload = map[string]any{}
	}
	url := fmt.Sprintf("%s/deployments/%d", api(name), d.ID)
	return s.with("deployment", map[string]any{
		"id": d.ID, "node_id": fmt.Sprint("DE_", d.ID), "ref": d.Ref, "sha": d.Ref, "task": d.Task, "environment": d.Environment, "original_environment": d.Environment,
		"created_at": stamp(d.CreatedAt), "updated_at": stamp(d.CreatedAt), "production_environment": d.Production, "description": d.Description, "payload": payload, "creator": user(d.Creator), "url": url, "statuses_url": url + "/statuses",
	})
}

func (s *Server) createDeployment(c *call) answer {
	var in struct {
		Ref, Environment, Description string
		Task                          string
		Payload                       any
		RequiredContexts              *[]string `json:"required_contexts"`
		Production                    *bool     `json:"production_environment"`
	}
	c.decode(&in)
	if in.RequiredContexts == nil { // the job that asks has a check itself, which has not ended
		return refuse(http.StatusConflict, "Conflict: Commit status checks failed for "+in.Ref)
	}
	in.Environment = cmp.Or(in.Environment, "production")
	d := s.addDeployment(c.repo, Deployment{
		Ref: in.Ref, Environment: in.Environment, Task: in.Task, Description: in.Description, Payload: in.Payload, Creator: c.token.Login,
		Production: in.Environment == "production",
	})
	if in.Production != nil {
		d.Production = *in.Production
	}
	return give(http.StatusCreated, s.deploymentJSON(c.name, d))
}

func (s *Server) addDeployment(r *repository, d Deployment) *deployment {
	d.ID, d.Task, d.CreatedAt = s.id(), cmp.Or(d.Task, "deploy"), s.tick()
	for i := range d.Statuses {
		d.Statuses[i].ID, d.Statuses[i].CreatedAt = s.id(), s.tick()
		d.Statuses[i].Creator = cmp.Or(d.Statuses[i].Creator, d.Creator)
	}
	r.deployments[d.ID] = &deployment{d}
	return r.deployments[d.ID]
}

// AddDeployment adds a deployment with its statuses as if its creator made it, and returns its id.
func (s *Server) AddDeployment(repo string, d Deployment) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addDeployment(s.repo(repo), d).ID
}

// AddDeploymentStatus gives a deployment a status as if its creator did.
func (s *Server) AddDeploymentStatus(repo string, id int64, st DeploymentStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.ID, st.CreatedAt = s.id(), s.tick()
	d := s.repo(repo).deployments[id]
	d.Statuses = append(d.Statuses, st)
}

func (s *Server) getDeployment(c *call) answer {
	d := c.repo.deployments[c.number("deployment_id")]
	if d == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return give(http.StatusOK, s.deploymentJSON(c.name, d))
}

// listDeployments lists the newest first.
func (s *Server) listDeployments(c *call) answer {
	q := c.URL.Query()
	var all []any
	for _, d := range slices.Backward(sorted(c.repo.deployments)) {
		wanted := func(name, value string) bool { return q.Get(name) == "" || q.Get(name) == value }
		if wanted("environment", d.Environment) && wanted("task", d.Task) && wanted("sha", d.Ref) && wanted("ref", d.Ref) {
			all = append(all, s.deploymentJSON(c.name, d))
		}
	}
	return s.list(c, all)
}

// createStatus adds a status. One of success makes the earlier deployments of the environment
// inactive, as GitHub does unless told not to; those to production stay.
func (s *Server) createStatus(c *call) answer {
	d := c.repo.deployments[c.number("deployment_id")]
	if d == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	var in struct {
		State, Description string
		EnvironmentURL     string `json:"environment_url"`
		LogURL             string `json:"log_url"`
		AutoInactive       *bool  `json:"auto_inactive"`
	}
	c.decode(&in)
	status := DeploymentStatus{ID: s.id(), CreatedAt: s.tick(), State: in.State, Description: in.Description, EnvironmentURL: in.EnvironmentURL, LogURL: in.LogURL, Creator: c.token.Login}
	d.Statuses = append(d.Statuses, status)
	for _, earlier := range sorted(c.repo.deployments) {
		n := len(earlier.Statuses)
		if in.State == "success" && (in.AutoInactive == nil || *in.AutoInactive) && earlier != d && earlier.Environment == d.Environment && !earlier.Production && n > 0 && earlier.Statuses[n-1].State == "success" {
			earlier.Statuses = append(earlier.Statuses, DeploymentStatus{ID: s.id(), CreatedAt: s.now, State: "inactive", Creator: c.token.Login})
		}
	}
	return give(http.StatusCreated, s.statusJSON(c.name, d, status))
}

// listStatuses lists the newest first.
func (s *Server) listStatuses(c *call) answer {
	d := c.repo.deployments[c.number("deployment_id")]
	if d == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	var all []any
	for _, status := range slices.Backward(d.Statuses) {
		all = append(all, s.statusJSON(c.name, d, status))
	}
	return s.list(c, all)
}

func (s *Server) statusJSON(name string, d *deployment, st DeploymentStatus) map[string]any {
	url := fmt.Sprintf("%s/deployments/%d", api(name), d.ID)
	return s.with("deployment-status", map[string]any{
		"id": st.ID, "node_id": fmt.Sprint("DS_", st.ID), "state": st.State, "description": st.Description, "creator": user(st.Creator),
		"created_at": stamp(st.CreatedAt), "updated_at": stamp(st.CreatedAt), "environment": d.Environment, "environment_url": st.EnvironmentURL, "log_url": st.LogURL, "target_url": st.LogURL,
		"deployment_url": url, "url": fmt.Sprintf("%s/statuses/%d", url, st.ID),
	})
}

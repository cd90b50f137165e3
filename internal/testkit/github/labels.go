package github

import (
	"net/http"
	"slices"
)

var labelOperations = map[string]handler{
	"issues/list-labels-on-issue": (*Server).listLabels, "issues/add-labels": (*Server).addLabels, "issues/remove-label": (*Server).removeLabel,
	"issues/create-label": (*Server).createLabel, "issues/get-label": (*Server).getLabel,
}

// plain is the colour of a label that comes to be by being put on an issue.
const plain = "ededed"

func (r *repository) label(name string) {
	if r.labels[name] == "" {
		r.labels[name] = plain
	}
}

func (s *Server) labelJSON(repo, name, colour string) map[string]any {
	return s.with("label", map[string]any{"name": name, "color": colour, "default": false, "description": "", "url": api(repo) + "/labels/" + name})
}

func (s *Server) labels(c *call, i *issue) answer {
	list := []any{}
	for _, l := range i.labels {
		list = append(list, s.labelJSON(c.name, l, c.repo.labels[l]))
	}
	return give(http.StatusOK, list)
}

func (s *Server) listLabels(c *call) answer {
	i := c.repo.issues[int(c.number("issue_number"))]
	if i == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return s.labels(c, i)
}

func (s *Server) addLabels(c *call) answer {
	i := c.repo.issues[int(c.number("issue_number"))]
	if i == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	var in struct {
		Labels []string `json:"labels"`
	}
	c.decode(&in)
	for _, l := range in.Labels {
		if !slices.Contains(i.labels, l) {
			i.labels = append(i.labels, l)
			s.happens(i, "labeled", c.token.Login, l)
		}
		c.repo.label(l)
	}
	return s.labels(c, i)
}

func (s *Server) removeLabel(c *call) answer {
	i := c.repo.issues[int(c.number("issue_number"))]
	if i == nil || !slices.Contains(i.labels, c.params["name"]) {
		return refuse(http.StatusNotFound, "Label does not exist")
	}
	i.labels = slices.DeleteFunc(i.labels, func(l string) bool { return l == c.params["name"] })
	s.happens(i, "unlabeled", c.token.Login, c.params["name"])
	return s.labels(c, i)
}

func (s *Server) createLabel(c *call) answer {
	var in struct{ Name, Color string }
	c.decode(&in)
	if c.repo.labels[in.Name] != "" {
		return refuse(http.StatusUnprocessableEntity, "Validation Failed")
	}
	c.repo.labels[in.Name] = in.Color
	c.repo.label(in.Name)
	s.tick()
	return give(http.StatusCreated, s.labelJSON(c.name, in.Name, c.repo.labels[in.Name]))
}

func (s *Server) getLabel(c *call) answer {
	colour := c.repo.labels[c.params["name"]]
	if colour == "" {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return give(http.StatusOK, s.labelJSON(c.name, c.params["name"], colour))
}

package serveruse

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// object is what is decoded of an answer, and nothing else of it: configurations hold secrets. Between
// versions fields move from one part to another, so each is looked for in both.
type object struct {
	ID        string  `json:"id"`
	Name      *string `json:"name"`
	Body      fields  `json:"body"`
	Metadata  fields  `json:"metadata"`
	Resources fields  `json:"resources"`
}

type fields struct {
	Type          any          `json:"type"`
	FlavorName    string       `json:"flavor_name"`
	Flavor        any          `json:"flavor"` // a name below 0.80, an object in resources after it
	Integration   *string      `json:"integration"`
	Custom        *bool        `json:"is_custom"`
	ConnectorType any          `json:"connector_type"`
	Active        *bool        `json:"active"`
	Materializer  any          `json:"materializer"`
	Status        *string      `json:"status"`
	StartTime     *string      `json:"start_time"`
	Pipeline      *named       `json:"pipeline"`
	Client        *environment `json:"client_environment"`
}

type named struct {
	Name string `json:"name"`
}

// environment is what a run says of the client that started it.
type environment struct {
	Python   *string `json:"python_version"`
	ZenML    *string `json:"zenml_version"` // newer clients
	Packages string  `json:"python_packages"`
}

func (o *object) name() string {
	if o.Name != nil {
		return *o.Name
	}
	return ""
}

// newest reads a list in every scope and tells whether that was all of it.
func (r *reading) newest(ctx context.Context, path string, scoped bool, q url.Values, most int) (map[string][]object, Kind, error) {
	scopes := map[string]string{"": ""}
	if scoped {
		if scopes = r.scopes; scopes == nil {
			return nil, Kind{}, errors.New("the projects could not be listed: " + *r.use.Kinds[Projects].Why)
		}
	}
	out, k := map[string][]object{}, Kind{Status: Read, Items: []Item{}}
	if scoped && r.cut {
		k.Status = Partial
	}
	for _, name := range slices.Sorted(maps.Keys(scopes)) {
		items, total, err := zenml.First[object](ctx, r.client, path, scopes[name], q, most)
		if err != nil {
			return nil, Kind{}, err
		}
		out[name] = items
		k.Total += total
		if len(items) < total {
			k.Status = Partial
		}
	}
	return out, k, nil
}

// simple reads a list whose items stand for themselves.
func (r *reading) simple(ctx context.Context, path string, scoped bool, q url.Values, of func(*object) string) ([]Kind, error) {
	found, k, err := r.newest(ctx, path, scoped, q, mostItems)
	if err != nil {
		return nil, err
	}
	for _, list := range found {
		for i := range list {
			k.Items = append(k.Items, Item{Name: list[i].name(), Of: of(&list[i]), Count: 1})
		}
	}
	sortItems(k.Items)
	return []Kind{k}, nil
}

func sortItems(items []Item) {
	slices.SortFunc(items, func(a, b Item) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Of, b.Of)) })
}

var hydrated = url.Values{"hydrate": {"true"}}

func nothing(*object) string { return "" }

func (r *reading) stacks(ctx context.Context) ([]Kind, error) {
	return r.simple(ctx, "/stacks", false, nil, nothing)
}

func (r *reading) connectors(ctx context.Context) ([]Kind, error) {
	return r.simple(ctx, "/service_connectors", false, nil, func(o *object) string {
		if m, ok := o.Body.ConnectorType.(map[string]any); ok {
			return zenml.Text(m["connector_type"])
		}
		return zenml.Text(o.Body.ConnectorType)
	})
}

func (r *reading) templates(ctx context.Context) ([]Kind, error) {
	return r.simple(ctx, "/run_templates", true, nil, nothing)
}

func (r *reading) snapshots(ctx context.Context) ([]Kind, error) {
	return r.simple(ctx, "/pipeline_snapshots", true, url.Values{"named_only": {"true"}}, nothing)
}

func (r *reading) schedules(ctx context.Context) ([]Kind, error) {
	return r.simple(ctx, "/schedules", true, hydrated, func(o *object) string {
		if o.Body.Active != nil && !*o.Body.Active {
			return "not active"
		}
		return "active"
	})
}

// components reads the components, and through the server's own list of flavors which integrations
// stand behind them.
func (r *reading) components(ctx context.Context) ([]Kind, error) {
	flavors, known, err := r.newest(ctx, "/flavors", false, nil, mostItems)
	if err != nil {
		return nil, err
	}
	components, k, err := r.newest(ctx, "/components", false, hydrated, mostItems)
	if err != nil {
		return nil, err
	}
	used := Kind{Status: worse(k.Status, known.Status), Items: []Item{}}
	integrations := Kind{Status: used.Status, Items: []Item{}}
	behind, count, byIntegration := map[string]string{}, map[string]int{}, map[string]int{}
	for i := range flavors[""] {
		f := &flavors[""][i]
		key := zenml.Text(f.Body.Type) + "/" + f.name()
		r.use.vocabulary[strings.ToLower(f.name())] = true
		if f.Body.Integration != nil {
			behind[key] = *f.Body.Integration
			r.use.vocabulary[strings.ToLower(*f.Body.Integration)] = true
		}
		if f.Body.Custom != nil && *f.Body.Custom {
			count[key] += 0 // listed also when no component uses it
		}
	}
	for i := range components[""] {
		c := &components[""][i]
		flavor := cmp.Or(c.Body.FlavorName, zenml.Text(c.Body.Flavor))
		k.Items = append(k.Items, Item{Name: c.name(), Of: zenml.Text(c.Body.Type), Count: 1, Flavor: flavor})
		count[zenml.Text(c.Body.Type)+"/"+flavor]++
	}
	for key, n := range count {
		kind, flavor, _ := strings.Cut(key, "/")
		i := behind[key]
		if i == "built-in" {
			i = ""
		}
		used.Items = append(used.Items, Item{Name: flavor, Of: kind, Count: n, Integration: i})
		if i != "" && n > 0 {
			byIntegration[i] += n
		}
	}
	for name, n := range byIntegration {
		integrations.Items = append(integrations.Items, Item{Name: name, Count: n})
	}
	used.Total, integrations.Total = len(used.Items), len(integrations.Items)
	for _, list := range [][]Item{k.Items, used.Items, integrations.Items} {
		sortItems(list)
	}
	return []Kind{k, used, integrations}, nil
}

func worse(a, b Status) Status {
	if a == Read {
		return b
	}
	return a
}

// pickles are the materializers that store a value as a pickle of ZenML's own.
const pickles = "CloudpickleMaterializer"

// artifacts counts artifact versions by materializer. Pickled ones are counted by the server, so also
// beyond the newest.
func (r *reading) artifacts(ctx context.Context) ([]Kind, error) {
	found, k, err := r.newest(ctx, "/artifact_versions", true, nil, mostItems)
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	for _, list := range found {
		for i := range list {
			count[source(list[i].Body.Materializer)]++
		}
	}
	for name, n := range count {
		k.Items = append(k.Items, Item{Name: name, Count: n})
	}
	sortItems(k.Items)
	named, pickled, err := r.newest(ctx, "/artifact_versions", true, url.Values{"materializer": {"contains:" + pickles}}, mostRuns)
	if err != nil {
		return nil, err
	}
	// A server that passes over the filter would call everything pickled.
	for _, list := range named {
		for i := range list {
			if !strings.HasSuffix(source(list[i].Body.Materializer), "."+pickles) {
				return []Kind{k, unknown(errors.New("the server does not select artifact versions by materializer"))}, nil
			}
		}
	}
	if !r.cut {
		pickled.Status = Read // the count is of all
	}
	if pickled.Total > 0 {
		pickled.Items = []Item{{Name: pickles, Count: pickled.Total}}
	}
	return []Kind{k, pickled}, nil
}

// source writes a Python name of ZenML's, which is an object or, in old versions, a text.
func source(v any) string {
	if m, ok := v.(map[string]any); ok {
		if module, name := zenml.Text(m["module"]), zenml.Text(m["attribute"]); module != "" && name != "" {
			return module + "." + name
		}
	}
	return zenml.Text(v)
}

var zenmlPackage = regexp.MustCompile(`(?m)^zenml==(\S+)$`)

// runs reads the newest runs: which pipelines ran last when, and by which clients.
func (r *reading) runs(ctx context.Context) ([]Kind, error) {
	few := url.Values{"hydrate": {"true"}, "size": {"20"}} // a run brings the settings of all its steps
	found, k, err := r.newest(ctx, "/runs", true, few, mostRuns)
	if err != nil {
		return nil, err
	}
	type client struct{ zenml, python string }
	clients := map[client]int{}
	for _, project := range slices.Sorted(maps.Keys(found)) {
		seen := map[string]bool{}
		for i := range found[project] {
			o := &found[project][i]
			if e := o.Metadata.Client; e != nil {
				clients[client{deref(e.ZenML, packaged(e.Packages)), deref(e.Python, "")}]++
			}
			pipeline := cmp.Or(o.Resources.Pipeline, o.Body.Pipeline)
			if pipeline == nil || seen[pipeline.Name] {
				continue
			}
			seen[pipeline.Name] = true
			r.use.Pipelines = append(r.use.Pipelines, Pipeline{
				Name: pipeline.Name, Project: project, Status: o.Body.Status, LastRun: cmp.Or(o.Metadata.StartTime, o.Body.StartTime),
			})
		}
	}
	for c, n := range clients {
		r.use.Clients = append(r.use.Clients, Client{ZenML: orNull(c.zenml), Python: orNull(c.python), Runs: n})
	}
	slices.SortFunc(r.use.Clients, func(a, b Client) int {
		return cmp.Or(b.Runs-a.Runs, cmp.Compare(deref(a.ZenML, ""), deref(b.ZenML, "")), cmp.Compare(deref(a.Python, ""), deref(b.Python, "")))
	})
	slices.SortFunc(r.use.Pipelines, func(a, b Pipeline) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Project, b.Project)) })
	return []Kind{k}, nil
}

func packaged(list string) string {
	if m := zenmlPackage.FindStringSubmatch(list); m != nil {
		return m[1]
	}
	return ""
}

func deref(s *string, otherwise string) string {
	if s == nil {
		return otherwise
	}
	return *s
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Package parity compares a staging server with the production server that it stands for: an upgrade
// that passed on another kind of server proves little.
package parity

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// Side is what is compared of one server. It holds names and kinds, no value of a configuration:
// those differ on purpose.
type Side struct {
	Stacks       map[string][]string // by name: "type flavor" of each component, sorted
	Components   map[string][]string // by "type flavor": the settings that some component of the kind has, sorted
	Integrations []string            // behind the flavors of the components, sorted
	Settings     map[string]string   // of authentication, deployment and secrets
	Database     string              // engine and version; "" when the version is not known
	Engine       string              // as the server says: sqlite or mysql
}

// Difference is one thing that the two servers do not share. Names come from outside.
type Difference struct {
	Kind       string `json:"kind"` // stack, component, integration, setting or database
	Name       string `json:"name"`
	Staging    string `json:"staging"`
	Production string `json:"production"`
}

// none is said of what one side lacks.
const none = "none"

// Sentence tells the difference.
func (d Difference) Sentence() string {
	return fmt.Sprintf("%s %s: %s in staging, %s in production", d.Kind, d.Name, d.Staging, d.Production)
}

// Read reads one server with a client that is logged in. version is the database's engine and
// version, "" when it is not known.
func Read(ctx context.Context, c *zenml.Client, database string) (*Side, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return nil, err
	}
	s := &Side{
		Stacks: map[string][]string{}, Components: map[string][]string{}, Database: database, Engine: info.DatabaseType,
		Settings: map[string]string{
			"authentication scheme": info.AuthScheme, "deployment type": info.DeploymentType, "kind of secrets store": info.SecretsStoreType,
		},
	}
	components, err := c.List(ctx, "/components", url.Values{"hydrate": {"true"}})
	if err != nil {
		return nil, fmt.Errorf("listing stack components: %w", err)
	}
	stacks, err := c.List(ctx, "/stacks", url.Values{"hydrate": {"true"}})
	if err != nil {
		return nil, fmt.Errorf("listing stacks: %w", err)
	}
	behind, err := Integrations(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, o := range components {
		kind := kindOf(o)
		settings, _ := zenml.Field(o, "configuration").(map[string]any)
		s.Components[kind] = union(s.Components[kind], slices.Collect(maps.Keys(settings)))
		if i := behind[kind]; i != "" {
			s.Integrations = union(s.Integrations, []string{i})
		}
	}
	for _, o := range stacks {
		name, _ := o["name"].(string)
		s.Stacks[name] = Kinds(o)
	}
	return s, nil
}

// Integrations returns the integration behind each "type flavor" that a server knows; flavors that
// are built in or custom have none.
func Integrations(ctx context.Context, c *zenml.Client) (map[string]string, error) {
	flavors, err := c.List(ctx, "/flavors", url.Values{"hydrate": {"true"}})
	if err != nil {
		return nil, fmt.Errorf("listing flavors: %w", err)
	}
	out := map[string]string{}
	for _, o := range flavors {
		name, _ := o["name"].(string)
		i, _ := zenml.Field(o, "integration").(string)
		if i != "built-in" && i != "custom" {
			out[zenml.Text(zenml.Field(o, "type"))+" "+name] = i
		}
	}
	return out, nil
}

// Kinds returns "type flavor" of each component of a hydrated stack, sorted.
func Kinds(stack map[string]any) []string {
	out := []string{}
	byType, _ := zenml.Field(stack, "components").(map[string]any)
	for _, list := range byType {
		parts, _ := list.([]any)
		for _, p := range parts {
			if m, ok := p.(map[string]any); ok {
				out = append(out, kindOf(m))
			}
		}
	}
	slices.Sort(out)
	return out
}

// kindOf is a component's type and flavor. The flavor's name moved between versions.
func kindOf(component map[string]any) string {
	flavor := zenml.Text(zenml.Field(component, "flavor_name"))
	switch f := zenml.Field(component, "flavor").(type) {
	case string:
		flavor = cmp.Or(flavor, f)
	case map[string]any:
		flavor = cmp.Or(flavor, zenml.Text(f["name"]))
	}
	return zenml.Text(zenml.Field(component, "type")) + " " + flavor
}

func union(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

// Compare tells every difference, sorted. What is not known on a side is a difference.
func Compare(staging, production *Side) []Difference {
	out := []Difference{}
	add := func(kind, name, a, b string) {
		if a != b {
			out = append(out, Difference{Kind: kind, Name: name, Staging: a, Production: b})
		}
	}
	each := func(kind string, a, b map[string][]string) {
		for _, name := range keys(a, b) {
			add(kind, name, said(a, name), said(b, name))
		}
	}
	each("stack", staging.Stacks, production.Stacks)
	each("component", staging.Components, production.Components)
	for _, name := range union(staging.Integrations, production.Integrations) {
		add("integration", name, used(staging.Integrations, name), used(production.Integrations, name))
	}
	for _, name := range keys(staging.Settings, production.Settings) {
		add("setting", name, cmp.Or(staging.Settings[name], none), cmp.Or(production.Settings[name], none))
	}
	add("database", "engine", cmp.Or(staging.Engine, "not known"), cmp.Or(production.Engine, "not known"))
	if staging.Database == "" || production.Database == "" || staging.Database != production.Database {
		out = append(out, Difference{"database", "version", cmp.Or(staging.Database, "not known"), cmp.Or(production.Database, "not known")})
	}
	slices.SortFunc(out, func(a, b Difference) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return out
}

func keys[V any](a, b map[string]V) []string {
	return union(slices.Collect(maps.Keys(a)), slices.Collect(maps.Keys(b)))
}

func said(m map[string][]string, name string) string {
	list, there := m[name]
	switch {
	case !there:
		return none
	case len(list) == 0:
		return "there"
	}
	text, _ := json.Marshal(list) // strings
	return strings.Trim(string(text), "[]")
}

func used(list []string, name string) string {
	if slices.Contains(list, name) {
		return "used"
	}
	return none
}

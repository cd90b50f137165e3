package compattest

import (
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
)

// Code of a fork or a bot gets throw-away servers only; a production server is known by its address.
func TestServers(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{Environments: map[string]config.Environment{"prod": {Kind: "production", ServerURL: "https://a.example"}, "dev": {Kind: "development", ServerURL: "https://b.example"}}}
	in := Inputs{ServerURL: "https://a.example/", ServerToken: "k", NewServerURL: "https://b.example", NewServerToken: "l", AllowWrites: "true"}
	var o compat.Options
	if err := in.servers(&o, cfg); err != nil {
		t.Fatal(err)
	}
	if s := o.Servers; !s.AllowWrites || !s.Old.Production || s.New.Production || s.Old.Key != "k" || s.New.Key != "l" {
		t.Errorf("%+v %+v %+v", s, s.Old, s.New)
	}
	if !in.withhold() || in.withhold() {
		t.Error("withheld servers are not told once")
	}
	if err := in.servers(&o, cfg); err != nil || o.Servers != (compat.OwnServers{}) {
		t.Errorf("what is withheld is still there: %+v, %v", o.Servers, err)
	}
}

package compattest

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// servers decodes what is said of the team's own servers.
func (in *Inputs) servers(o *compat.Options, cfg *config.Config) error {
	allow, errAllow := action.Bool("allow-writes", in.AllowWrites)
	var errOld, errNew error
	own := compat.OwnServers{AllowWrites: allow}
	own.Old, errOld = address("server-url", in.ServerURL, "server-token", in.ServerToken, cfg)
	own.New, errNew = address("new-server-url", in.NewServerURL, "new-server-token", in.NewServerToken, cfg)
	faults := []error{errAllow, errOld, errNew}
	bad := func(what, next string) { faults = append(faults, fault.BadInput(what, next)) }
	if in.ServerURL == "" {
		for _, other := range []struct {
			name  string
			given bool
		}{{"new-server-url", in.NewServerURL != ""}, {"artifact-root", in.ArtifactRoot != ""}, {"allow-writes", allow}} {
			if other.given {
				bad(other.name+" is given without server-url", "give the address of your server of the old version too")
			}
		}
	}
	if allow && in.Shard != "" {
		bad("allow-writes cannot be divided among shards", "leave shard out in the run that has allow-writes")
	}
	if in.ArtifactRoot != "" {
		root, err := filepath.Abs(in.ArtifactRoot)
		if err == nil {
			_, err = os.ReadDir(root)
		}
		if err != nil {
			bad(fmt.Sprintf("artifact-root %q is no folder that can be read", in.ArtifactRoot), "give the folder that holds the local artifact stores")
		}
		own.ArtifactRoot = root
	}
	o.Servers = own
	return errors.Join(faults...)
}

// address decodes a server's address and key; nil when none is given.
func address(input, text, keyInput, key string, cfg *config.Config) (*compat.Address, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "/")
	switch {
	case text == "" && key == "":
		return nil, nil //nolint:nilnil // no server is no fault
	case text == "":
		return nil, fault.BadInput(keyInput+" is given without "+input, "give the address of the server that the key is of")
	}
	var faults []error
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		faults = append(faults, fault.BadInput(input+" is no http(s) address", "give it as https://zenml.example.com, without a user or password"))
	}
	if key == "" {
		faults = append(faults, fault.BadInput(keyInput+" is missing", "give an API key of a service account of the server in "+input))
	}
	a := &compat.Address{URL: text, Key: key}
	for _, e := range cfg.Environments {
		if e.Kind == "production" && strings.TrimRight(e.ServerURL, "/") == text {
			a.Production = true
		}
	}
	return a, errors.Join(faults...)
}

// withhold takes the team's own servers out of the inputs: code of a fork or a bot gets throw-away ones only.
// It says whether any was named.
func (in *Inputs) withhold() bool {
	named := in.ServerURL != ""
	in.ServerURL, in.ServerToken, in.NewServerURL, in.NewServerToken, in.ArtifactRoot, in.AllowWrites = "", "", "", "", "", ""
	return named
}

// Package world sets up a real ZenML server with content, for tests and the demo.
package world

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// Options say what to set up.
type Options struct {
	Version  string // of ZenML
	Python   string // "" is 3.11
	CacheDir string // where environments are kept
	Dir      string // absolute; gets the database, the artifacts, the env file, the logs
	Environ  []string
	Port     int    // of the public address; 0 picks one
	StoreURL string // an empty database; "": a SQLite file in Dir

	// Empty leaves out the runs. Otherwise Script is run from its folder with the server's own
	// version as client; "" is a small pipeline of this package's.
	Empty  bool
	Script string
}

// World is a running server and all that is needed to use, stop, move and restart it.
type World struct {
	Version    string
	URL        string // public address
	Port       int
	Python     string // interpreter of the server's environment
	Dir        string
	StoreURL   string // sqlite:////... or mysql://...
	DBPath     string // of the SQLite file
	StoresPath string // of the local artifact store
	EnvFile    string // the server's settings as KEY=value lines, mode 0600; holds secrets
	User       string // administrator
	Password   string
	APIKey     string // of a service account
	SecretID   string // of a secret named world_secret with the value {"word": SecretWord}
	SecretWord string
	ContentDir string // where the script that made the runs lies: the import root of its classes

	Server  *server.Server
	Admin   *zenml.Client // logged in as User
	environ []string
}

//go:embed content.py
var content []byte

// Start sets a world up. Stop it also when a later step of the caller fails.
func Start(ctx context.Context, o Options) (*World, error) {
	w := &World{
		Version: o.Version, Dir: o.Dir, DBPath: filepath.Join(o.Dir, "zenml.db"), StoresPath: filepath.Join(o.Dir, "stores"),
		EnvFile: filepath.Join(o.Dir, "server.env"), User: "default", Password: random(), SecretWord: random(), environ: o.Environ,
	}
	w.StoreURL = cmp.Or(o.StoreURL, "sqlite:///"+w.DBPath)
	if err := os.MkdirAll(w.StoresPath, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of a world: %w", err)
	}
	var err error
	if w.Python, err = Interpreter(ctx, o.Environ, o.CacheDir, o.Version, o.Python); err != nil {
		return nil, err
	}
	if err := w.serve(ctx, o.Port); err != nil {
		return nil, err
	}
	if err := w.fill(ctx, o); err != nil {
		w.Stop()
		return nil, fmt.Errorf("filling a ZenML %s server: %w", o.Version, err)
	}
	return w, nil
}

// Interpreter returns the Python of an environment that holds a server of this version.
func Interpreter(ctx context.Context, environ []string, cacheDir, release, python string) (string, error) {
	m, err := pyenv.New(environ, cacheDir)
	if err != nil {
		return "", err
	}
	if python == "" {
		python = "3.11"
	}
	env, err := m.Ensure(ctx, pyenv.Spec{Python: python, Requirements: pyenv.ServerRequirements(release)})
	if err != nil {
		return "", err
	}
	return env.Python, nil
}

func (w *World) serve(ctx context.Context, port int) error {
	settings := []string{
		"ZENML_STORE_TYPE=sql", "ZENML_STORE_URL=" + w.StoreURL,
		"ZENML_SERVER_AUTO_ACTIVATE=1", "ZENML_DEFAULT_USER_NAME=" + w.User, "ZENML_DEFAULT_USER_PASSWORD=" + w.Password,
		"ZENML_SERVER_JWT_SECRET_KEY=" + random() + random(),
		// Without the type beside it ZenML ignores the key silently.
		"ZENML_SECRETS_STORE_TYPE=sql", "ZENML_SECRETS_STORE_ENCRYPTION_KEY=" + random() + random(),
		"ZENML_ANALYTICS_OPT_IN=false",
	}
	if err := os.WriteFile(w.EnvFile, []byte(strings.Join(settings, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("writing the server's settings: %w", err)
	}
	s, err := server.Start(ctx, server.Config{
		Python: w.Python, StoreURL: w.StoreURL, Dir: filepath.Join(w.Dir, "server"), Env: settings, Environ: w.environ, Live: true,
	})
	if err != nil {
		return err
	}
	w.Server = s
	if w.Port, err = s.Open(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err != nil {
		w.Stop()
		return err
	}
	w.URL = "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(w.Port))
	return nil
}

func (w *World) fill(ctx context.Context, o Options) error {
	w.Admin = zenml.New(w.URL)
	if err := w.Admin.LoginPassword(ctx, w.User, w.Password); err != nil {
		return err
	}
	var account struct {
		ID string `json:"id"`
	}
	if err := w.Admin.Post(ctx, "/service_accounts", map[string]any{"name": "world", "active": true}, &account); err != nil {
		return err
	}
	var key struct {
		Body struct {
			Key string `json:"key"`
		} `json:"body"`
	}
	if err := w.Admin.Post(ctx, "/service_accounts/"+account.ID+"/api_keys", map[string]any{"name": "world"}, &key); err != nil {
		return err
	}
	w.APIKey = key.Body.Key
	if err := w.addSecret(ctx); err != nil {
		return err
	}
	if o.Empty {
		return nil
	}
	script := o.Script
	if script == "" {
		script = filepath.Join(w.Dir, "content", "content.py")
		if err := os.MkdirAll(filepath.Dir(script), 0o700); err != nil {
			return fmt.Errorf("writing a pipeline: %w", err)
		}
		if err := os.WriteFile(script, content, 0o600); err != nil {
			return fmt.Errorf("writing a pipeline: %w", err)
		}
	}
	w.ContentDir = filepath.Dir(script)
	_, err := w.Run(ctx, w.ContentDir, script)
	return err
}

func (w *World) addSecret(ctx context.Context) error {
	path, body := "/secrets", map[string]any{"name": "world_secret", "values": map[string]string{"word": w.SecretWord}}
	var secret, user struct {
		ID string `json:"id"`
	}
	if version.Compare(w.Version, "0.80.0") < 0 { // what is made names its workspace and its user
		spaces, err := w.Admin.List(ctx, "/workspaces", nil)
		if err != nil {
			return err
		}
		if err := w.Admin.Get(ctx, "/current-user", nil, &user); err != nil {
			return err
		}
		body["workspace"], body["user"] = spaces[0]["id"], user.ID
		path = fmt.Sprintf("/workspaces/%s/secrets", spaces[0]["id"])
	}
	if err := w.Admin.Post(ctx, path, body, &secret); err != nil {
		return err
	}
	w.SecretID = secret.ID
	return nil
}

// ClientEnv is the environment of a ZenML client that is logged in to this server by its API key
// and has this world's artifact store.
func (w *World) ClientEnv() []string {
	return proc.BaseEnv(w.environ, "ZENML_STORE_TYPE=rest", "ZENML_STORE_URL="+w.URL, "ZENML_STORE_API_KEY="+w.APIKey,
		"ZENML_CONFIG_PATH="+filepath.Join(w.Dir, "client"), "ZENML_LOCAL_STORES_PATH="+w.StoresPath,
		"ZENML_ANALYTICS_OPT_IN=false", "AUTO_OPEN_DASHBOARD=false", "ZENML_LOGGING_COLORS_DISABLED=true", "NO_COLOR=1", "PYTHONNOUSERSITE=1")
}

// Run runs the world's Python with the client's environment in dir.
func (w *World) Run(ctx context.Context, dir string, args ...string) (proc.Result, error) {
	return proc.Run(ctx, proc.Command{
		Path: w.Python, Args: args, Dir: dir, Env: w.ClientEnv(), Timeout: 5 * time.Minute, Secrets: []string{w.APIKey, w.Password},
	})
}

// Target is the world's server as the probes reach it.
func (w *World) Target() zenml.Target {
	return zenml.Target{
		Python: w.Python, URL: w.URL, APIKey: w.APIKey, Dir: w.ContentDir, StoresPath: w.StoresPath,
		Environ: w.environ, Timeout: 3 * time.Minute,
	}
}

// Stop ends the server; the files stay.
func (w *World) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	w.Server.Stop(ctx)
}

func random() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: the runtime ends the program instead
	return hex.EncodeToString(b)
}

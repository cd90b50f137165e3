package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
)

// migrate does what a ZenML server does when it starts: nothing on its own schema, the revisions one
// by one on an older one, and it ends on a newer or a half migrated one.
func (s *srv) migrate() error {
	ctx := context.Background()
	var at string
	if s.version != Old && os.Getenv("ZENML_STORE_BACKUP_STRATEGY") != "disabled" {
		return errors.New("RuntimeError: ZenML's own backup is on: it would restore a truncated dump that an earlier start left")
	}
	if err := s.store.QueryRowContext(ctx, "SELECT version_num FROM alembic_version").Scan(&at); err != nil {
		return fmt.Errorf("sqlalchemy.exc.OperationalError: %w", err)
	}
	if s.version == Patch && s.fault("patch-fails") {
		return errors.New("RuntimeError: no")
	}
	if at == s.version || s.version == Patch && at == New {
		_, err := s.store.ExecContext(ctx, "UPDATE alembic_version SET version_num = '"+s.version+"'")
		return err
	}
	if at != Old || s.version == Old {
		return fmt.Errorf("alembic.util.exc.CommandError: Can't locate revision identified by '%s'", at)
	}
	for i, r := range revisions(s.version) {
		if i == 1 {
			s.halfWay()
		}
		for _, statement := range r.statements {
			if _, err := s.store.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("sqlalchemy.exc.OperationalError: %w [SQL: %s]", err, statement)
			}
		}
		if _, err := s.store.ExecContext(ctx, "UPDATE alembic_version SET version_num = '"+r.name+"'"); err != nil {
			return err
		}
	}
	return nil
}

// halfWay is the middle of a migration, where faults happen.
func (s *srv) halfWay() {
	switch {
	case s.fault("dies-migrating"):
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case s.fault("parent-dies-migrating"): // the program is killed, and its child by the kernel
		_ = syscall.Kill(os.Getppid(), syscall.SIGKILL)
		time.Sleep(time.Minute)
	case s.fault("hangs-migrating"):
		time.Sleep(time.Hour)
	case s.fault("waits-migrating"): // for the test to do something just now
		for range 3000 {
			if _, err := os.Stat(filepath.Join(os.Getenv(siteKey), "go-on")); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// lists are the API's lists and the tables behind them.
var lists = map[string]string{
	"users": "user", "projects": "project", "stacks": "stack", "components": "stack_component", "service_connectors": "service_connector",
	"secrets": "secret", "flavors": "flavor", "pipelines": "pipeline", "runs": "pipeline_run", "steps": "step_run", "artifacts": "artifact",
	"artifact_versions": "artifact_version", "models": "model", "model_versions": "model_version", "tags": "tag", "schedules": "schedule",
	"services": "service", "code_repositories": "code_repository", "service_accounts": "user",
}

func (s *srv) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /api/v1/info", func(w http.ResponseWriter, r *http.Request) {
		version := s.version
		if s.fault("old-version") {
			version = Old
		}
		var at string
		if err := s.store.QueryRowContext(r.Context(), "SELECT version_num FROM alembic_version").Scan(&at); err != nil || s.fault("answers-500") || s.fault("answers-half") && s.count.Add(1)%2 == 0 && s.opened.Load() {
			http.Error(w, "[SQL: SELECT secret_words]", http.StatusInternalServerError)
			return
		}
		give(w, map[string]any{"id": "1", "version": version, "active": true, "deployment_type": "other", "database_type": "mysql"})
	})
	m.HandleFunc("POST /api/v1/login", s.login)
	m.HandleFunc("GET /api/v1/current-user", s.known(func(w http.ResponseWriter, _ *http.Request) error {
		give(w, map[string]any{"id": ID("u2"), "name": "robot"})
		return nil
	}))
	m.HandleFunc("GET /api/v1/secrets/{id}", s.known(s.secret))
	m.HandleFunc("GET /api/v1/runs/{id}", s.known(s.run))
	m.HandleFunc("POST /api/v1/runs/{id}/stop", s.known(s.stopRun))
	m.HandleFunc("POST /api/v1/runs", s.known(s.addRun))
	m.HandleFunc("DELETE /api/v1/runs/{id}", s.known(func(w http.ResponseWriter, r *http.Request) error {
		if s.fault("deletes-no-run") {
			return errors.New("no")
		}
		give(w, nil)
		_, err := s.store.ExecContext(r.Context(), "DELETE FROM pipeline_run WHERE id = ?", r.PathValue("id"))
		return err
	}))
	m.HandleFunc("GET /api/v1/service_accounts/{id}/api_keys", s.known(func(w http.ResponseWriter, r *http.Request) error {
		return s.page(w, r, "api_key", "")
	}))
	m.HandleFunc("GET /api/v1/{list}", s.known(func(w http.ResponseWriter, r *http.Request) error {
		table, there := lists[r.PathValue("list")]
		if !there {
			http.NotFound(w, r)
			return nil
		}
		where := ""
		if r.PathValue("list") == "service_accounts" {
			where = "WHERE id = '" + ID("u2") + "'"
		}
		return s.page(w, r, table, where)
	}))
	return m
}

func give(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// page gives all rows as one page.
func (s *srv) page(w http.ResponseWriter, r *http.Request, table, where string) error {
	items, err := s.store.items(r.Context(), table, where)
	if err != nil {
		return err
	}
	if table == "pipeline_run" && len(items) > 0 && (s.fault("loses-a-run") || s.opened.Load() && s.fault("loses-a-run-in-public")) {
		items = items[1:]
	}
	give(w, map[string]any{"index": 1, "max_size": 1000, "total_pages": 1, "total": len(items), "items": items})
	return nil
}

// login takes a key that is in the database and notes when, as ZenML does.
func (s *srv) login(w http.ResponseWriter, r *http.Request) {
	var id string
	err := s.store.QueryRowContext(r.Context(), "SELECT id FROM api_key WHERE data = ?", `{"key": "`+digest(r.FormValue("password"))+`"}`).Scan(&id)
	if err == nil {
		_, err = s.store.ExecContext(r.Context(), "UPDATE api_key SET updated = ?", time.Now().UTC().Format("2006-01-02 15:04:05.000"))
	}
	if err != nil {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	give(w, map[string]any{"access_token": "of-" + id})
}

// known refuses who has no token of a key that is still there.
func (s *srv) known(use func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer of-")
		var n int
		err := s.store.QueryRowContext(r.Context(), "SELECT COUNT(*) FROM api_key WHERE id = ?", token).Scan(&n)
		if err == nil && n == 0 && !s.fault("asks-nobody") {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		if err == nil {
			err = use(w, r)
		}
		if err != nil {
			http.Error(w, "[SQL: SELECT secret_words]", http.StatusInternalServerError)
		}
	}
}

// secret decrypts with the key of the settings, which is ignored without the type beside it.
func (s *srv) secret(w http.ResponseWriter, r *http.Request) error {
	key := os.Getenv("ZENML_SECRETS_STORE_ENCRYPTION_KEY")
	if os.Getenv("ZENML_SECRETS_STORE_TYPE") != "sql" {
		key = ""
	}
	var n int
	err := s.store.QueryRowContext(r.Context(), "SELECT COUNT(*) FROM secret WHERE id = ? AND data = ?", r.PathValue("id"), `{"key": "`+digest(key)+`"}`).Scan(&n)
	if err == nil && n == 0 {
		http.NotFound(w, r)
		return nil
	}
	give(w, map[string]any{"id": r.PathValue("id")})
	return err
}

func (s *srv) stopRun(w http.ResponseWriter, r *http.Request) error {
	if s.fault("stops-no-run") {
		return errors.New("the orchestrator does not answer")
	}
	_, err := s.store.ExecContext(r.Context(), "UPDATE pipeline_run SET status = 'stopped' WHERE id = ?", r.PathValue("id"))
	give(w, map[string]any{})
	return err
}

func (s *srv) run(w http.ResponseWriter, r *http.Request) error {
	runs, err := s.store.items(r.Context(), "pipeline_run", "WHERE id = ?", r.PathValue("id"))
	if err == nil && len(runs) == 1 {
		give(w, runs[0])
		return nil
	}
	http.NotFound(w, r)
	return err
}

// addRun is for the smoke pipeline and for people who work while they should not.
func (s *srv) addRun(w http.ResponseWriter, r *http.Request) error {
	var body struct{ Name, Status string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return err
	}
	if s.fault("smoke-fails") && body.Name == "smoke" {
		return errors.New("no")
	}
	id := uuid.NewString()
	now := time.Now().UTC().Format("2006-01-02 15:04:05.000")
	_, err := s.store.ExecContext(r.Context(), "INSERT INTO pipeline_run (id, name, created, updated, active, status) VALUES (?, ?, ?, ?, 1, ?)",
		id, body.Name, now, now, body.Status)
	give(w, map[string]any{"id": id})
	return err
}

// client is a logged-in client: the smoke pipeline's, or a person's.
type client struct{ url, token string }

func newClient(url, key string) (*client, error) {
	c := &client{url: url + "/api/v1"}
	var got struct {
		Token string `json:"access_token"`
	}
	resp, err := http.PostForm(c.url+"/login", map[string][]string{"password": {key}}) //nolint:noctx // ends with the process
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		return nil, err
	}
	c.token = got.Token
	return c, nil
}

func (c *client) do(method, path string, body, out any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, c.url+path, bytes.NewReader(text)) //nolint:noctx // ends with the process
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: status %d", method, path, resp.StatusCode)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

func smokeRun(url, key string) error {
	c, err := newClient(url, key)
	if err != nil {
		return err
	}
	var made struct{ ID string }
	if err := c.do(http.MethodPost, "/runs", map[string]string{"name": "smoke", "status": "completed"}, &made); err != nil {
		return err
	}
	var gone any
	return c.do(http.MethodDelete, "/runs/"+made.ID, nil, &gone)
}

package standin

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	_ "github.com/go-sql-driver/mysql" // the drivers of the two kinds of stores
	_ "modernc.org/sqlite"
)

// store is a server's pool of connections to its database.
type store struct{ *sql.DB }

// openStore opens an address as ZenML takes it (ZENML_STORE_URL).
func openStore(storeURL string) (*store, error) {
	if path, ok := strings.CutPrefix(storeURL, "sqlite:///"); ok {
		db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=busy_timeout(15000)")
		if err == nil {
			db.SetMaxOpenConns(1)
		}
		return &store{db}, err
	}
	u, err := url.Parse(storeURL)
	if err != nil {
		return nil, errors.New("the store's address cannot be read")
	}
	password, _ := u.User.Password()
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)%s?interpolateParams=true", u.User.Username(), password, u.Host, u.Path))
	if err == nil {
		db.SetMaxOpenConns(3)
	}
	return &store{db}, err
}

// tables hold what the API lists: an id, a name, times and all else as JSON.
var tables = []string{
	"user", "project", "stack", "stack_component", "service_connector", "secret", "flavor", "pipeline", "pipeline_run", "step_run",
	"artifact", "artifact_version", "model", "model_version", "tag", "schedule", "service", "code_repository", "api_key", "pipeline_deployment",
}

// ID is the id of the row that is called so here: ZenML's are UUIDs.
func ID(row string) string { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(row)).String() }

// oldSchema is the old version's, with what a team has made.
func oldSchema(key, secret string) []string {
	out := []string{"CREATE TABLE alembic_version (version_num VARCHAR(40) NOT NULL PRIMARY KEY)", "INSERT INTO alembic_version VALUES ('" + Old + "')"}
	for _, t := range tables {
		out = append(out, fmt.Sprintf("CREATE TABLE `%s` (id VARCHAR(36) NOT NULL PRIMARY KEY, name VARCHAR(100), created DATETIME, updated DATETIME, active INT, data VARCHAR(2000))", t))
	}
	row := func(table, id, name, data string) {
		out = append(out, fmt.Sprintf("INSERT INTO `%s` VALUES ('%s', '%s', '2026-11-01 10:00:00', '2026-11-01 10:00:00', 1, '%s')", table, ID(id), name, data))
	}
	row("user", "u1", "ada", "{}")
	row("user", "u2", "robot", `{"is_service_account": true}`)
	row("api_key", "k1", "robot", `{"key": "`+digest(key)+`"}`)
	row("secret", "5ec1", "token", "{}")
	out = append(out, "ALTER TABLE secret ADD COLUMN `values` VARCHAR(200)", Encrypt(secret))
	row("project", "p1", "default", "{}")
	row("stack", "57ac", "default", "{}")
	row("schedule", "sc1", "nightly", "{}")
	for i := range 40 {
		row("pipeline_run", fmt.Sprintf("r%d", i), fmt.Sprintf("train-%d", i), `{"pipeline": {"name": "train"}}`)
		row("step_run", fmt.Sprintf("r%d", i), "fit", `{"status": "completed"}`)
		row("pipeline_deployment", fmt.Sprintf("d%d", i), "d", "{}")
	}
	for _, t := range []string{"pipeline", "stack_component", "artifact", "artifact_version", "model", "tag", "service_connector"} {
		row(t, "x1", "x", "{}")
	}
	return append(out,
		"ALTER TABLE pipeline_run ADD COLUMN pipeline_id VARCHAR(36)",
		"ALTER TABLE pipeline_run ADD COLUMN status VARCHAR(20)",
		"ALTER TABLE pipeline_run ADD COLUMN start_time DATETIME",
		"ALTER TABLE pipeline_run ADD COLUMN end_time DATETIME",
		"UPDATE pipeline_run SET pipeline_id = '"+ID("x1")+"', status = 'completed', start_time = created, end_time = created",
	)
}

// Encrypt is the statement that stores the secret as ZenML does with a key, "" for none. The same each
// time, so that two databases can be compared: no nonce is drawn.
func Encrypt(key string) string {
	value := []byte(`{"word": "open sesame"}`)
	if key != "" {
		nonce, sum := make([]byte, 12), sha256.Sum256([]byte(key))
		block, err := aes.NewCipher(sum[:])
		if err != nil {
			panic(err) // of the length of a sum
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			panic(err)
		}
		sealed := gcm.Seal(nil, nonce, value, nil)
		text, tag := sealed[:len(value)], sealed[len(value):]
		value = slices.Concat(nonce, tag, text)
	}
	return fmt.Sprintf("UPDATE secret SET `values` = '%s', data = '{\"key\": \"%s\"}'", base64.StdEncoding.EncodeToString(value), digest(key))
}

// revision is one of the new version's.
type revision struct {
	name       string
	statements []string
}

// revisions lead from the old schema to a new version's. On MySQL no statement of them can be undone.
func revisions(version string) []revision {
	return []revision{
		{"1a2b3c4d5e6f", []string{"ALTER TABLE pipeline_deployment RENAME TO pipeline_snapshot", "ALTER TABLE pipeline_run ADD COLUMN orchestrator VARCHAR(50)"}},
		{"2b3c4d5e6f7a", []string{
			"UPDATE pipeline_run SET orchestrator = 'local', data = '{\"moved\": true}'",
			"CREATE TABLE curated_visualization (id VARCHAR(36) NOT NULL PRIMARY KEY)",
		}},
		{version, []string{"INSERT INTO stack_component VALUES ('" + ID("d1") + "', 'default-deployer', '2026-11-25 00:00:00', '2026-11-25 00:00:00', 1, '{}')"}},
	}
}

// item is a row as the API gives it.
func (s *store) items(ctx context.Context, table, where string, args ...any) ([]map[string]any, error) {
	status := "NULL"
	if table == "pipeline_run" {
		status = "status"
	}
	rows, err := s.QueryContext(ctx, fmt.Sprintf("SELECT id, COALESCE(name, ''), active, COALESCE(data, '{}'), %s FROM `%s` %s ORDER BY created, id", status, table, where), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []map[string]any{}
	for rows.Next() {
		var id, name, data string
		var active int
		var status *string
		if err := rows.Scan(&id, &name, &active, &data, &status); err != nil {
			return nil, err
		}
		body := map[string]any{}
		if err := json.Unmarshal([]byte(data), &body); err != nil {
			return nil, err
		}
		delete(body, "key")
		body["active"] = active != 0
		if status != nil {
			body["status"] = *status
		}
		out = append(out, map[string]any{"id": id, "name": name, "body": body, "metadata": map[string]any{}, "resources": map[string]any{}})
	}
	return out, rows.Err()
}

package upgrade

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// keptTables are the tables of which no upgrade may lose a row, with what newer versions call them
// (shared facts 4.1: workspace became project in 0.80, pipeline_deployment pipeline_snapshot in 0.90).
var keptTables = map[string][]string{
	"user": nil, "stack": nil, "stack_component": nil, "stack_composition": nil, "service_connector": nil, "secret": nil,
	"pipeline": nil, "pipeline_run": nil, "step_run": nil, "artifact": nil, "artifact_version": nil, "model": nil,
	"model_version": nil, "tag": nil, "tag_resource": nil, "schedule": nil, "service": nil, "api_key": nil, "code_repository": nil,
	"run_template": nil, "pipeline_build": nil, "code_reference": nil,
	"workspace": {"project"}, "project": nil, "pipeline_deployment": {"pipeline_snapshot"}, "pipeline_snapshot": nil,
}

// droppedTables are those that a release takes away with all in them (0.94.0; shared facts 4.1).
var droppedTables = []string{"action", "event_source"}

// tableOf names the table that holds a kind of the API's, where the names differ.
var tableOf = map[string]string{"component": "stack_component", "run": "pipeline_run", "service_account": "user"}

// statusCounted says that a kind could not be listed and its rows were counted instead.
const statusCounted = "counted"

// countRows compares the rows of the tables that must keep theirs. It also answers for what the
// server does not list for the key in use, such as users for a service account.
func (r *run) countRows(after map[string]database.Table) error {
	before := r.report.Backup.Tables
	var lost []string
	for _, table := range slices.Sorted(maps.Keys(keptTables)) {
		was, ok := before[table]
		if !ok {
			continue
		}
		if now, there := rowsOf(table, after); !there || now < was.Rows {
			lost = append(lost, fmt.Sprintf("%s (%d rows, now %d)", table, was.Rows, now))
		}
	}
	for kind, l := range r.report.Lost {
		table := tableOf[kind]
		if table == "" {
			table = kind
		}
		was, ok := before[table]
		now, there := rowsOf(table, after)
		if l.Status == zenml.StatusUnknown && ok && there {
			r.report.Lost[kind] = zenml.Loss{Before: int(was.Rows), After: int(now), Missing: []string{}, Status: statusCounted}
		}
	}
	for _, table := range droppedTables {
		if was, ok := before[table]; ok && was.Rows > 0 {
			if _, there := after[table]; !there && r.report.Lost != nil {
				r.report.Lost[table] = zenml.Loss{Before: int(was.Rows), Missing: []string{}, Status: zenml.StatusGone}
			}
		}
	}
	if len(lost) > 0 {
		return fmt.Errorf("tables hold fewer rows than before: %s", strings.Join(lost, ", "))
	}
	return nil
}

// rowsOf finds a table under its old or its new name. Both may be there while data moves: the
// fuller one counts.
func rowsOf(table string, in map[string]database.Table) (rows int64, there bool) {
	for _, name := range append([]string{table}, keptTables[table]...) {
		if t, ok := in[name]; ok {
			rows, there = max(rows, t.Rows), true
		}
	}
	return rows, there
}

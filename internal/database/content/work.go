package content

import (
	"maps"
	"slices"
)

// marks are the columns in which ZenML notes that it is used: a key at every request, and the server
// when somebody was last active (0.58 to 0.98). Nobody's work is in them.
var marks = map[string][]string{
	"api_key":         {"last_login", "updated"},
	"server_settings": {"last_user_activity", "updated"},
}

// memories are the tables in which a server remembers the requests of the last minutes, so that one that
// is sent again is answered and not done again. ZenML 0.97 and 0.98 delete expired rows by themselves, some
// random time after their start. Nobody's work is in them.
var memories = []string{"api_transaction", "api_transaction_result"}

// Sum digests a table, and apart from it what else than such notes it holds.
type Sum struct {
	table     string
	columns   []string
	marked    bool // such notes stand in it
	all, work Rows
	of        [][]*Rows // by column
}

// NewSum begins a table's digest.
func NewSum(table string, columns []string) *Sum {
	notes, marked := marks[table]
	s := &Sum{table: table, columns: columns, marked: marked, of: make([][]*Rows, len(columns))}
	for i, name := range columns {
		s.of[i] = []*Rows{&s.all}
		if marked && !slices.Contains(notes, name) {
			s.of[i] = append(s.of[i], &s.work)
		}
	}
	return s
}

// Of returns where the values of a column go.
func (s *Sum) Of(column int) []*Rows { return s.of[column] }

// End ends a row.
func (s *Sum) End() {
	s.all.End()
	if s.marked {
		s.work.End()
	}
}

// Into files the table.
func (s *Sum) Into(f *Fingerprint) {
	f.Tables[s.table] = s.all.Table(s.columns)
	if s.marked {
		if f.Work == nil {
			f.Work = map[string]Table{}
		}
		f.Work[s.table] = s.work.Table(s.columns)
	}
}

// DiffWork is Diff without the tables in which only such notes differ, and without a server's memory.
func (f Fingerprint) DiffWork(other Fingerprint) []string {
	tables := maps.Clone(f.Tables)
	for name, w := range f.Work {
		if now, known := other.Work[name]; known && now == w {
			tables[name] = other.Tables[name]
		}
	}
	for _, name := range memories {
		if now, there := other.Tables[name]; there {
			if _, was := tables[name]; was {
				tables[name] = now
			}
		}
	}
	return Fingerprint{Schema: f.Schema, Tables: tables}.Diff(other)
}

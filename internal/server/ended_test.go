package server

import "testing"

func TestEndedErrorNamesTheCauseAndNoRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   EndedError
		want string
	}{
		{"silent", EndedError{Code: -1, Log: "INFO: Waiting for application startup.\n"}, "the server's process was killed"},
		{
			"alembic", EndedError{Code: 3, Log: "Traceback:\nKeyError: 'x'\n\nalembic.util.exc.CommandError: Can't locate revision identified by '0.98.0'\nApplication startup failed. Exiting.\n"},
			"the server's process ended with status 3 after alembic.util.exc.CommandError: Can't locate revision identified by '0.98.0'",
		},
		{
			"rows", EndedError{Code: 3, Log: "sqlalchemy.exc.IntegrityError: (pymysql.err.IntegrityError) (1062, \"Duplicate entry 'a@b.c'\")\n[SQL: INSERT INTO user]\n"},
			"the server's process ended with status 3 after sqlalchemy.exc.IntegrityError",
		},
		{
			"rows, quoted by ZenML", EndedError{Code: 3, Log: "RuntimeError: The database migration failed: (pymysql.err.IntegrityError) (1062, \"Duplicate entry 'a@b.c'\")\n[SQL: INSERT INTO user]\n"},
			"the server's process ended with status 3 after RuntimeError: The database migration failed: (pymysql.err.IntegrityError)",
		},
	} {
		if got := c.in.Error(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

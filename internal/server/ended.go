package server

import (
	"fmt"
	"regexp"
	"strings"
)

// EndedError says that a server's process ended by itself.
type EndedError struct {
	Code int    // exit status, -1 for a signal
	Log  string // the end of its log, secrets removed; may hold SQL: never for a comment
}

func (e *EndedError) Error() string {
	how := fmt.Sprintf("ended with status %d", e.Code)
	if e.Code < 0 {
		how = "was killed"
	}
	if cause := e.cause(); cause != "" {
		how += " after " + cause
	}
	return "the server's process " + how
}

// raised is a Python traceback's last line: the exception's class and its words.
var raised = regexp.MustCompile(`(?m)^((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt)): (.*)$`)

// database are the classes whose words hold SQL or rows.
var database = regexp.MustCompile(`^(sqlalchemy|pymysql|sqlite3|MySQLdb)\.`)

// quoting is where ZenML's own words begin to quote a database's.
var quoting = regexp.MustCompile(`\((sqlalchemy|pymysql|sqlite3|MySQLdb)\.[\w.]*\)`)

// cause names the last exception in the log, without what may come out of the database.
func (e *EndedError) cause() string {
	all := raised.FindAllStringSubmatch(e.Log, -1)
	if len(all) == 0 {
		return ""
	}
	class, words := all[len(all)-1][1], strings.TrimSpace(all[len(all)-1][2])
	if database.MatchString(class) {
		return class
	}
	if at := quoting.FindStringIndex(words); at != nil {
		words = words[:at[1]]
	}
	if r := []rune(words); len(r) > 200 {
		words = string(r[:200]) + "..."
	}
	return class + ": " + words
}

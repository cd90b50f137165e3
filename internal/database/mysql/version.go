package mysql

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// Version is what a server or a program of MySQL's or MariaDB's says of itself.
type Version struct {
	MariaDB             bool
	Major, Minor, Patch int
	Text                string // as it says it
}

var versionNumber = regexp.MustCompile(`(\d+)\.(\d+)\.(\d+)`)

// ParseVersion reads the answer of SELECT VERSION() or the version line of a program. A client of
// MariaDB's gives its own version first and the distribution's after "Distrib".
func ParseVersion(text string) (Version, error) {
	v := Version{Text: strings.TrimSpace(text), MariaDB: strings.Contains(strings.ToLower(text), "mariadb")}
	if _, after, ok := strings.Cut(text, "Distrib "); ok {
		text = after
	}
	if _, after, ok := strings.Cut(text, "from "); ok { // clients of MariaDB 11
		text = after
	}
	m := versionNumber.FindStringSubmatch(text)
	if m == nil {
		return v, fmt.Errorf("no version of MySQL or MariaDB: %q", cut(text))
	}
	v.Major, _ = strconv.Atoi(m[1])
	v.Minor, _ = strconv.Atoi(m[2])
	v.Patch, _ = strconv.Atoi(m[3])
	return v, nil
}

func (v Version) String() string {
	family := "MySQL"
	if v.MariaDB {
		family = "MariaDB"
	}
	return fmt.Sprintf("%s %d.%d.%d", family, v.Major, v.Minor, v.Patch)
}

// SameSeries says whether a database of one server reads the same on the other: family and series
// are equal. MySQL 8.0.19 left off the display width of integers.
func (v Version) SameSeries(o Version) bool {
	width := func(v Version) bool { return v.Major == 8 && v.Minor == 0 && v.Patch < 19 }
	return v.MariaDB == o.MariaDB && v.Major == o.Major && v.Minor == o.Minor && (v.MariaDB || width(v) == width(o))
}

// find returns the programs of these names that are on the PATH of environ or where servers are
// installed, by name first.
func find(environ []string, names ...string) []string {
	dirs := append(filepath.SplitList(proc.Getenv(environ, "PATH")), "/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/mysql/bin")
	var found []string
	for _, name := range names {
		for _, dir := range dirs {
			if path := filepath.Join(dir, name); filepath.IsAbs(path) && proc.Exists(path) && !slices.Contains(found, path) {
				found = append(found, path)
			}
		}
	}
	return found
}

// versionOf asks a program for its version.
func versionOf(ctx context.Context, environ []string, path string) (Version, error) {
	res, err := proc.Run(ctx, proc.Command{
		Path: path, Args: []string{"--no-defaults", "--version"}, Env: proc.BaseEnv(environ), Dir: os.TempDir(), Timeout: 20 * time.Second,
	})
	if err != nil {
		return Version{}, err
	}
	v, err := ParseVersion(strings.ReplaceAll(string(res.Stdout), path, ""))
	if err == nil && !v.MariaDB && strings.Contains(filepath.Base(path), "maria") {
		v.MariaDB = true
	}
	return v, err
}

func cut(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}

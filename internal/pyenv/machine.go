package pyenv

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// mostConfig bounds how much of a configuration file is read.
const mostConfig = 1 << 20

// indexes is where packages come from, as uv is told it.
type indexes struct {
	main  string
	extra []string
	links []string
}

// machineIndexes reads which index the machine's own configuration of uv, else of pip, names. The
// children are started without any configuration file, for the nearest one could lie in the
// repository; so what the machine says is read here and handed over as variables. Variables that
// are set come first, as with the clients themselves.
func machineIndexes(environ []string) indexes {
	var found indexes
	home := proc.Getenv(environ, "HOME")
	own := proc.Getenv(environ, "XDG_CONFIG_HOME")
	if own == "" && home != "" {
		own = filepath.Join(home, ".config")
	}
	var uv, pip []string // the later file wins
	uv = append(uv, "/etc/uv/uv.toml")
	pip = append(pip, "/etc/pip.conf")
	if filepath.IsAbs(home) {
		pip = append(pip, filepath.Join(home, ".pip", "pip.conf"))
	}
	if filepath.IsAbs(own) {
		uv, pip = append(uv, filepath.Join(own, "uv", "uv.toml")), append(pip, filepath.Join(own, "pip", "pip.conf"))
	}
	if f := proc.Getenv(environ, "PIP_CONFIG_FILE"); f == os.DevNull {
		pip = nil
	} else if filepath.IsAbs(f) {
		pip = append(pip, f)
	}
	for _, f := range pip {
		found.pip(f)
	}
	for _, f := range uv {
		found.uv(f)
	}
	return found
}

// pip reads what pip would of its own file: the sections that hold for installing.
func (x *indexes) pip(path string) {
	text, ok := head(path)
	if !ok {
		return
	}
	section, key := "", ""
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		l := lines.Text()
		trimmed := strings.TrimSpace(l)
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, ";"):
			continue
		case strings.HasPrefix(trimmed, "["):
			section, key = strings.Trim(trimmed, "[]"), ""
			continue
		}
		value := trimmed
		if l == strings.TrimLeft(l, " \t") { // not the continuation of a list
			at := strings.IndexAny(l, "=:")
			if at < 0 {
				continue
			}
			key, value = strings.ReplaceAll(strings.TrimSpace(l[:at]), "_", "-"), strings.TrimSpace(l[at+1:])
		}
		if section != "global" && section != "install" {
			continue
		}
		switch key {
		case "index-url":
			x.main = value
		case "extra-index-url":
			x.extra = append(x.extra, strings.Fields(value)...)
		case "find-links":
			x.links = append(x.links, strings.Fields(value)...)
		}
	}
}

// uv reads the indexes of uv's own file. Those for named packages only are left out: which
// packages use them is said in projects.
func (x *indexes) uv(path string) {
	text, ok := head(path)
	if !ok {
		return
	}
	var doc struct {
		Index []struct {
			URL      string `toml:"url"`
			Default  bool   `toml:"default"`
			Explicit bool   `toml:"explicit"`
		} `toml:"index"`
		IndexURL string   `toml:"index-url"`
		Extra    []string `toml:"extra-index-url"`
		Links    []string `toml:"find-links"`
	}
	if toml.Unmarshal([]byte(text), &doc) != nil {
		return // uv itself would refuse it
	}
	if doc.IndexURL != "" {
		x.main = doc.IndexURL
	}
	x.extra, x.links = append(x.extra, doc.Extra...), append(x.links, doc.Links...)
	for _, i := range doc.Index {
		switch {
		case i.Default:
			x.main = i.URL
		case !i.Explicit:
			x.extra = append(x.extra, i.URL)
		}
	}
}

func head(path string) (string, bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, mostConfig))
	return string(data), err == nil
}

// variables adds to an environment what it does not say itself. uv does not read pip's variables:
// one configured index serves both.
func (x indexes) variables(env []string) []string {
	if v := proc.Getenv(env, "PIP_INDEX_URL"); v != "" {
		x.main = v
	}
	for key, list := range map[string]*[]string{"PIP_EXTRA_INDEX_URL": &x.extra, "PIP_FIND_LINKS": &x.links} {
		if v := proc.Getenv(env, key); v != "" {
			*list = strings.Fields(v)
		}
	}
	x.links = slices.DeleteFunc(x.links, func(l string) bool {
		_, err := os.Stat(l)
		return !strings.Contains(l, "://") && (!filepath.IsAbs(l) || err != nil) // pip passes over what is not there, uv stops
	})
	if x.main != "" && proc.Getenv(env, "UV_DEFAULT_INDEX")+proc.Getenv(env, "UV_INDEX_URL") == "" {
		env = append(env, "UV_DEFAULT_INDEX="+x.main)
	}
	if len(x.extra) > 0 && proc.Getenv(env, "UV_INDEX")+proc.Getenv(env, "UV_EXTRA_INDEX_URL") == "" {
		// As pip does: all indexes are asked alike, and the best answer counts.
		env = append(env, "UV_EXTRA_INDEX_URL="+strings.Join(x.extra, " "), "UV_INDEX_STRATEGY=unsafe-best-match")
	}
	if len(x.links) > 0 && proc.Getenv(env, "UV_FIND_LINKS") == "" {
		env = append(env, "UV_FIND_LINKS="+strings.Join(x.links, ","))
	}
	return env
}

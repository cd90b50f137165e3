package stagingupgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/vault"
)

// Inputs are the action's inputs as text.
type Inputs struct {
	action.Common
	Mode                 string `help:"How far to go: plan changes nothing; backup backs up and proves the backup; rehearse also upgrades the restored copy; upgrade also cuts over." default:"plan" placeholder:"MODE"`
	Environment          string `help:"Name of an environment in the configuration file." placeholder:"NAME"`
	From                 string `help:"Version that runs now. Default: what the server says." placeholder:"VERSION"`
	To                   string `help:"Version to upgrade to, such as 0.98.0." required:"true" placeholder:"VERSION"`
	Commit               string `help:"Commit that this upgrade belongs to; noted in the journal." placeholder:"SHA"`
	Driver               string `help:"How servers are started and stopped: local, a process on this machine; command, by the environment's hooks. Default: the environment's, else local." placeholder:"DRIVER"`
	ServerURL            string `name:"server-url" help:"Public address of the server. Default: the environment's." placeholder:"URL"`
	ServerToken          string `help:"API key (ZENKEY_...) of a service account of that server." required:"true" secret:"true" placeholder:"KEY"`
	DatabaseURL          string `name:"database-url" help:"The server's database: sqlite:////PATH or mysql://USER:PASSWORD@HOST:PORT/NAME (also for MariaDB)." required:"true" secret:"true" placeholder:"URL"`
	ScratchDatabaseURL   string `name:"scratch-database-url" help:"A MySQL or MariaDB server where throw-away databases may be made, mysql://USER:PASSWORD@HOST:PORT. Needed only where this machine has no server program of the database's series." secret:"true" placeholder:"URL"`
	BackupEngine         string `help:"Program that dumps a MySQL or MariaDB database: dump (mysqldump or mariadb-dump) or mydumper." default:"dump" placeholder:"ENGINE"`
	BackupDir            string `help:"Folder for backups, outside the repository and the output folder. Required but for plan." placeholder:"DIR"`
	BackupRecipients     string `help:"age recipients (age1...), separated by commas: when a run has ended well, backups are encrypted to them and the folders removed." placeholder:"LIST"`
	BackupDestination    string `help:"Where backups are kept, too: an absolute folder, s3://BUCKET?region=REGION, gs://BUCKET or azblob://CONTAINER, the last three with &prefix=FOLDER/; credentials come from the environment. Nothing is upgraded before the backup was read back from there." placeholder:"URL"`
	BackupKeep           string `help:"Keep so many of the newest backups; the newest one that was restored as a proof always stays. Default: all." placeholder:"COUNT"`
	BackupKeepFor        string `help:"Keep backups that are not older than this, such as 720h; the newest one that was restored as a proof always stays. Default: all." placeholder:"DURATION"`
	TerraformFolders     string `help:"Folders of the repository that describe the server for Terraform, separated by commas: kept in every backup, without states, values of variables and .terraform." placeholder:"LIST"`
	StateDir             string `help:"Folder for the journal and throw-away copies. Default: state below backup-dir." placeholder:"DIR"`
	ArtifactRoot         string `help:"Folder below which the local artifact stores lie (ZENML_LOCAL_STORES_PATH). Without it no artifact is checked." placeholder:"DIR"`
	SecretsEncryptionKey string `help:"ZENML_SECRETS_STORE_ENCRYPTION_KEY, when the environment's env-file does not hold it." secret:"true" placeholder:"KEY"`
	JWTSecretKey         string `name:"jwt-secret-key" help:"ZENML_SERVER_JWT_SECRET_KEY, when the environment's env-file does not hold it." secret:"true" placeholder:"KEY"`
	MaxDowntime          string `help:"Roll back when the downtime passes this, such as 10m. Default: the environment's, else no limit." placeholder:"DURATION"`
	RollbackOnFailure    string `help:"Put everything back when a step fails; false leaves it for a person." placeholder:"BOOL"`
}

// settings are the decoded inputs.
type settings struct {
	mode        upgrade.Mode
	env         config.Environment
	environment string
	known       bool // whether env is what the user meant
	driver      string
	serverURL   string
	port        int
	backupDir   string
	stateDir    string
	vault       vault.Options
	terraform   []string
	maxDowntime time.Duration
	rollback    bool
	critical    []string
	projects    []string // folders whose code the server's pipelines are; none: the repository
}

// decode reads all inputs and returns every fault at once.
func (in *Inputs) decode(ctx context.Context, rt *action.Runtime) (*settings, error) {
	s := &settings{environment: in.Environment}
	cfg, err := action.ConfigFor(ctx, rt, in.Config)
	if cfg != nil {
		err = s.pick(cfg, in.Environment)
	}
	s.known = err == nil
	faults := []error{err}
	faults = append(faults, s.decodeDriver(in), s.decodeMode(in), action.Versions(in.From, in.To), s.decodeServer(in), s.decodeFolders(in), s.decodeVault(in), s.decodeLimits(in))
	if e := cmp.Or(in.BackupEngine, "dump"); e != "dump" && e != mysql.Mydumper {
		faults = append(faults, fault.BadInput(fmt.Sprintf("backup-engine %q is not built", in.BackupEngine), "use dump or mydumper"))
	}
	return s, errors.Join(faults...)
}

// pick chooses the environment: the named one, or the only one there is.
func (s *settings) pick(cfg *config.Config, name string) error {
	for _, p := range cfg.Pipelines {
		if p.Marker == "critical" {
			s.critical = append(s.critical, p.Name)
		}
	}
	for _, p := range cfg.Projects {
		s.projects = append(s.projects, p.Path)
	}
	if names := slices.Sorted(maps.Keys(cfg.Environments)); name == "" {
		switch len(names) {
		case 0:
			return nil // what is missing is told by name
		case 1:
			name = names[0]
		default:
			return fault.BadInput("environment is missing, and the configuration file has several", "give one of "+strings.Join(names, ", "))
		}
	}
	env, ok := cfg.Environments[name]
	if !ok {
		return fault.BadInput(fmt.Sprintf("environment %q is not in the configuration file", name), "add it there or give the name of one that is")
	}
	s.env, s.environment = env, name
	return nil
}

func (s *settings) decodeDriver(in *Inputs) error {
	s.driver = cmp.Or(in.Driver, s.env.Driver, driverLocal)
	switch {
	case s.driver != driverLocal && s.driver != driverCommand:
		return fault.BadInput(fmt.Sprintf("driver %q is not built", s.driver), "use local or command")
	case s.driver == driverCommand && s.known && s.env.Driver != driverCommand:
		return fault.BadInput("driver command needs hooks, which this environment does not have", "set driver: command and the hooks in the configuration file")
	}
	return nil
}

// The drivers.
const (
	driverLocal   = "local"
	driverCommand = "command"
)

func (s *settings) decodeMode(in *Inputs) error {
	s.mode = upgrade.Mode(in.Mode)
	if dry, err := action.Bool("dry-run", in.DryRun); err != nil {
		return err
	} else if dry {
		s.mode = upgrade.Plan
	}
	built := []upgrade.Mode{upgrade.Plan, upgrade.BackUp, upgrade.Rehearse, upgrade.Upgrade}
	if !slices.Contains(built, s.mode) {
		return fault.BadInput(fmt.Sprintf("mode %q is not built", in.Mode), "use plan, backup, rehearse or upgrade")
	}
	return nil
}

func (s *settings) decodeServer(in *Inputs) error {
	if !s.known && in.ServerURL == "" {
		return nil // the environment would say
	}
	s.serverURL = strings.TrimRight(cmp.Or(in.ServerURL, s.env.ServerURL), "/")
	u, err := url.Parse(s.serverURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fault.BadInput(fmt.Sprintf("server-url %q is no http(s) address", s.serverURL), "give it as an input or in the configuration's environment")
	}
	if !s.known || s.driver == driverCommand {
		return nil
	}
	if s.env.Local == nil {
		return fault.BadInput("the driver local needs to know the server's Python and port", "add local {python, env-file, port} to the environment in the configuration file")
	}
	s.port = s.env.Local.Port
	if p := u.Port(); p != "" && p != fmt.Sprint(s.port) {
		return fault.BadInput(fmt.Sprintf("server-url %q and local.port %d name different ports", s.serverURL, s.port), "make them agree")
	}
	return nil
}

// envFile names the file of the server's settings, "" when there is none.
func (s *settings) envFile() string {
	switch {
	case s.driver == driverCommand && s.env.Command != nil:
		return s.env.Command.EnvFile
	case s.driver == driverLocal && s.env.Local != nil:
		return s.env.Local.EnvFile
	}
	return ""
}

// bound guesses the address that the server is bound to, for a run that only puts back what an
// interrupted one left; every other run sees it.
func (s *settings) bound() string {
	host := "0.0.0.0"
	if u, err := url.Parse(s.serverURL); err == nil && (u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.")) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(s.port))
}

func (s *settings) decodeFolders(in *Inputs) error {
	if in.BackupDir == "" {
		if s.mode != upgrade.Plan {
			return fault.BadInput("backup-dir is missing", "give a folder with room for the database, outside the repository")
		}
		return nil
	}
	dir, err := filepath.Abs(in.BackupDir)
	if err != nil {
		return fault.BadInput(fmt.Sprintf("backup-dir %q: %v", in.BackupDir, err), "give an absolute path")
	}
	s.backupDir, s.stateDir = dir, filepath.Join(dir, "state")
	if in.StateDir != "" {
		if s.stateDir, err = filepath.Abs(in.StateDir); err != nil {
			return fault.BadInput(fmt.Sprintf("state-dir %q: %v", in.StateDir, err), "give an absolute path")
		}
	}
	if in.ArtifactRoot != "" {
		if st, err := os.Stat(in.ArtifactRoot); err != nil || !st.IsDir() {
			return fault.BadInput(fmt.Sprintf("artifact-root %q is no folder", in.ArtifactRoot), "give the folder below which the local artifact stores lie")
		}
	}
	return nil
}

func (s *settings) decodeLimits(in *Inputs) error {
	var faults []error
	if text := cmp.Or(in.MaxDowntime, s.env.MaxDowntime); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			faults = append(faults, fault.BadInput(fmt.Sprintf("max-downtime %q is no duration", text), "write it like 10m or 90s"))
		}
		s.maxDowntime = d
	}
	var err error
	s.rollback, err = action.Bool("rollback-on-failure", cmp.Or(in.RollbackOnFailure, s.env.Rollback, "true"))
	return errors.Join(append(faults, err)...)
}

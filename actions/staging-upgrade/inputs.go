package stagingupgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/vault"
)

// Inputs are the action's inputs as text.
type Inputs struct {
	action.Common
	action.Tracking
	Mode                 string `help:"How far to go: plan changes nothing; backup backs up and proves the backup; rehearse also upgrades the restored copy; upgrade also cuts over; rollback goes back to a backup; verify examines the running server and changes nothing." default:"plan" placeholder:"MODE"`
	Environment          string `help:"Name of an environment in the configuration file." placeholder:"NAME"`
	From                 string `help:"Version that runs now. Default: what the server says." placeholder:"VERSION"`
	To                   string `help:"Version to upgrade to, such as 0.98.0. Required but for backup, verify (the running one) and rollback (the backup's); mode rehearse takes the newest release without it." placeholder:"VERSION"`
	Commit               string `help:"Commit that this upgrade belongs to, by its full name; noted in the journal and in GitHub's record of deployments. Production needs the one that was upgraded in staging." placeholder:"SHA"`
	FromComment          string `help:"Comment that asked for this run, by its address or id: it must still hold, and ask for just this. Needs issues: read and pull-requests: read." placeholder:"URL"`
	Driver               string `help:"How servers are started and stopped: local, a process on this machine; command, by the environment's hooks. Default: the environment's, else local." placeholder:"DRIVER"`
	ServerURL            string `name:"server-url" help:"Public address of the server. Default: the environment's. Modes backup and rehearse need none: without it the old version is started on the copy alone." placeholder:"URL"`
	ServerToken          string `help:"API key (ZENKEY_...) of a service account of that server. Required with a server." secret:"true" placeholder:"KEY"`
	DatabaseURL          string `name:"database-url" help:"The server's database: sqlite:////PATH or mysql://USER:PASSWORD@HOST:PORT/NAME (also for MariaDB). Required but for a rehearsal with a backup." secret:"true" placeholder:"URL"`
	ScratchDatabaseURL   string `name:"scratch-database-url" help:"A MySQL or MariaDB server where throw-away databases may be made, mysql://USER:PASSWORD@HOST:PORT. Needed only where this machine has no server program of the database's series." secret:"true" placeholder:"URL"`
	BackupEngine         string `help:"What backs a MySQL or MariaDB database up: dump (mysqldump or mariadb-dump), mydumper, or command: snapshots by the environment's snapshot commands." default:"dump" placeholder:"ENGINE"`
	BackupDir            string `help:"Folder for backups, outside the repository and the output folder. Required but for plan." placeholder:"DIR"`
	BackupRecipients     string `help:"age recipients (age1...), separated by commas: when a run has ended well, backups are encrypted to them and the folders removed." placeholder:"LIST"`
	BackupIdentity       string `help:"age identity (AGE-SECRET-KEY-1...) that opens encrypted backups, for modes rehearse and rollback and for rehearsal-max-age; what is opened lies below state-dir while it is used." secret:"true" placeholder:"KEY"`
	BackupDestination    string `help:"Where backups are kept, too: an absolute folder, s3://BUCKET?region=REGION, gs://BUCKET or azblob://CONTAINER, the last three with &prefix=FOLDER/; credentials come from the environment. Nothing is upgraded before the backup was read back from there." placeholder:"URL"`
	BackupKeep           string `help:"Keep so many of the newest backups; the newest one that was restored as a proof always stays. Default: all." placeholder:"COUNT"`
	BackupKeepFor        string `help:"Keep backups that are not older than this, such as 720h; the newest one that was restored as a proof always stays. Default: all." placeholder:"DURATION"`
	TerraformFolders     string `help:"Folders of the repository that describe the server for Terraform, separated by commas: kept in every backup, without states, values of variables and .terraform." placeholder:"LIST"`
	StateDir             string `help:"Folder for the journal and throw-away copies. Default: state below backup-dir." placeholder:"DIR"`
	Backup               string `help:"Mode rehearse: the backup to rehearse with, the path of a folder or of a packed one, the name of one in backup-dir or backup-destination, or newest: the newest in backup-dir, or in backup-destination when there is none; nothing else is needed then, and no server or database is asked. Mode rollback: the backup to go back to, likewise. Default: rehearse takes one, or newest when no server and no database is known; rollback the one that the last upgrade took when everything was stopped, else the newest of this database." placeholder:"DIR"`
	AcceptLoss           string `help:"Mode rollback: go back although something would be lost (written_since_backup lists it)." default:"false" placeholder:"BOOL"`
	Path                 string `help:"Which ways to the new version are rehearsed: direct; both, hop by hop too; auto, hop by hop too when a migration fails on the direct way." default:"auto" placeholder:"WAY"`
	OldClients           string `help:"Try the old version's client on the new server, on the copy." default:"true" placeholder:"BOOL"`
	ArtifactRoot         string `help:"Folder below which the local artifact stores lie (ZENML_LOCAL_STORES_PATH). Without it no artifact is checked." placeholder:"DIR"`
	SecretsEncryptionKey string `help:"ZENML_SECRETS_STORE_ENCRYPTION_KEY, when the environment's env-file does not hold it." secret:"true" placeholder:"KEY"`
	JWTSecretKey         string `name:"jwt-secret-key" help:"ZENML_SERVER_JWT_SECRET_KEY, when the environment's env-file does not hold it." secret:"true" placeholder:"KEY"`
	MaxDowntime          string `help:"Roll back when the downtime passes this, such as 10m. Default: the environment's, else no limit." placeholder:"DURATION"`
	RollbackOnFailure    string `help:"Put everything back when a step fails; false leaves it for a person." placeholder:"BOOL"`
	MaintenanceWindow    string `help:"When the cut-over may take place, such as 2026-11-28T22:00/2h Europe/Berlin; it must fit in whole. Default: the environment's window, else at any time." placeholder:"WINDOW"`
	DrainTimeout         string `help:"Wait this long for running pipelines before the cut-over, such as 1h, with schedules switched off meanwhile. Without it running pipelines refuse the upgrade." placeholder:"DURATION"`
	RehearsalMaxAge      string `help:"Refuse mode upgrade without an earlier rehearsal of this version and schema in backup-dir that is not older, such as 24h; off: none is needed. Default: 168h for production, else off." placeholder:"DURATION"`
	StagingURL           string `name:"staging-url" help:"Mode plan: address of the staging server that production is compared with. Default: that of the environment in compare-with." placeholder:"URL"`
	StagingToken         string `help:"API key (ZENKEY_...) of a service account of the staging server." secret:"true" placeholder:"KEY"`
	StagingDatabaseURL   string `name:"staging-database-url" help:"The staging server's database, to compare its version." secret:"true" placeholder:"URL"`
	ProveRollback        string `help:"Go forward, back and forward again, so that the way back is proved on the real server; costs a second downtime. Default: true for environments of kind staging, and never for production." placeholder:"BOOL"`
	TeamPipelines        string `help:"Mode upgrade: run the configuration's pipelines, but for those marked long or skip, on the new server before it is opened. Default: true for environments of kind staging whose configuration has pipelines, and never for production." placeholder:"BOOL"`
}

// settings are the decoded inputs.
type settings struct {
	mode        upgrade.Mode
	cfg         *config.Config // nil when it could not be read
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
	backTo      string // mode rollback
	dry         bool   // mode rollback: show the loss and do nothing
	acceptLoss  bool
	prove       bool // the rollback
	team        bool // the team's pipelines are run
	window      *upgrade.Window
	drain       time.Duration
	rehearsed   time.Duration // how old a rehearsal may be; 0: none is needed
	stagingURL  string        // what production is compared with; "": nothing
	critical    []string
	backup      string // path of the backup to rehearse with, a folder or a packed one; "" when one is taken
	oldClients  bool
	path        string
	comment     int64 // id of the comment that asked, 0 for none
	deployment  checklist.Deployment
	track       *tracking.Wish // null: no tracking issue
	projects    []string       // folders whose code the server's pipelines are; none: the repository
}

// decode reads all inputs and returns every fault at once.
func (in *Inputs) decode(ctx context.Context, rt *action.Runtime) (*settings, error) {
	s := &settings{environment: in.Environment}
	cfg, err := in.configuration(ctx, rt)
	if s.cfg = cfg; cfg != nil {
		err = s.pick(cfg, in.Environment)
	}
	s.known = err == nil
	var errTrack error
	s.track, errTrack = in.Wish(s.environment, cfg)
	faults := []error{err, errTrack}
	faults = append(faults, s.decodeAsked(in, rt), s.decodeDriver(in), s.decodeMode(in), action.Versions(in.From, in.To), s.decodeServer(in), s.decodeFolders(in), s.decodeVault(in), s.decodeLimits(in), s.decodeSource(ctx, in), s.decodeRehearsal(in), s.decodeGates(in), s.decodeStaging(cfg, in), s.decodeTeam(in))
	return s, errors.Join(append(faults, s.decodeEngine(in))...)
}

func (s *settings) decodeEngine(in *Inputs) error {
	switch {
	case in.BackupEngine != "" && !slices.Contains(database.Engines, in.BackupEngine):
		return fault.BadInput(fmt.Sprintf("backup-engine %q is not built", in.BackupEngine), "use "+strings.Join(database.Engines, ", "))
	case in.BackupEngine == database.EngineCommand && s.known && s.env.Snapshot == nil:
		return fault.BadInput("backup-engine command needs snapshot commands, which this environment does not have",
			"add snapshot: {take, restore, drop, forget} to it in the configuration file")
	}
	return nil
}

// pick takes what it needs of the configuration and chooses the environment.
func (s *settings) pick(cfg *config.Config, name string) error {
	s.deployment = checklist.Deployment(cfg.Deployment)
	for _, p := range cfg.Pipelines {
		if p.Marker == "critical" {
			s.critical = append(s.critical, p.Name)
		}
	}
	for _, p := range cfg.Projects {
		s.projects = append(s.projects, p.Path)
	}
	picked, env, err := cfg.Pick(name)
	if picked != "" {
		s.env, s.environment = env, picked
	}
	return err
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
	} else if s.dry = dry && s.mode == upgrade.Rollback; dry && !s.dry && s.mode != upgrade.Verify { // a rollback shows its loss
		s.mode = upgrade.Plan
	}
	built := []upgrade.Mode{upgrade.Plan, upgrade.BackUp, upgrade.Rehearse, upgrade.Upgrade, upgrade.Rollback, upgrade.Verify}
	if !slices.Contains(built, s.mode) {
		return fault.BadInput(fmt.Sprintf("mode %q is not built", in.Mode), "use plan, backup, rehearse, upgrade, rollback or verify")
	}
	return s.decodeWayBack(in)
}

// decodeWayBack reads what only some modes need or take.
func (s *settings) decodeWayBack(in *Inputs) error {
	var faults []error
	if s.mode == upgrade.Rollback && in.To != "" {
		faults = append(faults, fault.BadInput("to is given, but mode rollback goes to the version of the backup", "leave to away, and choose with backup"))
	}
	var err error
	s.acceptLoss, err = action.Bool("accept-loss", cmp.Or(in.AcceptLoss, "false"))
	return errors.Join(append(faults, err)...)
}

func (s *settings) decodeServer(in *Inputs) error {
	if !s.known && in.ServerURL == "" {
		return nil // the environment would say
	}
	if s.fromBackup(in) || s.alone(in) {
		return nil
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
	if s.mode == upgrade.Rehearse && in.BackupDir == "" && in.Backup != "" && in.Backup != newest && !strings.Contains(in.Backup, "://") {
		in.BackupDir = filepath.Dir(in.Backup) // nothing else is needed then
	}
	if in.BackupDir == "" {
		if s.mode != upgrade.Plan && s.mode != upgrade.Verify {
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

// criteria are the configuration's, whose values were checked when it was read.
func (s *settings) criteria() upgrade.Criteria {
	c := upgrade.Criteria{Rollback: s.env.Rollback}
	c.ErrorShare, _ = strconv.ParseFloat(c.ErrorLimit, 64)
	c.Watched, _ = time.ParseDuration(c.Watch)
	return c
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
	s.rollback, err = action.Bool("rollback-on-failure", cmp.Or(in.RollbackOnFailure, s.env.Rollback.Always, "true"))
	faults = append(faults, err)
	s.prove, err = action.Bool("prove-rollback", cmp.Or(in.ProveRollback, strconv.FormatBool(s.env.Kind == "staging")))
	if s.prove && s.env.Kind == "production" {
		err = fault.BadInput("prove-rollback is true for an environment of kind production", "prove it in staging: on production it would cost a second downtime")
	}
	return errors.Join(append(faults, err)...)
}

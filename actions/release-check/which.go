package releasecheck

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pin"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
	"github.com/zenml-upgrade/zenml-upgrade/internal/which"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// Upgrade says which upgrade was judged and where it was found.
type Upgrade struct {
	Settled      bool          `json:"settled"`  // it said all: nothing else was checked
	FoundIn      string        `json:"found_in"` // pull_request, merge_group or repository
	Event        *string       `json:"event"`    // null outside a workflow run
	PullRequest  *int          `json:"pull_request"`
	Actor        *string       `json:"actor"`  // dependabot, renovate, bot or person; who opened the pull request
	Author       *string       `json:"author"` // that one's login
	Title        *string       `json:"title"`
	Base         *string       `json:"base"` // commits
	Head         *string       `json:"head"`
	Server       *string       `json:"server"`   // the version that server-url answered
	Pins         []pin.Change  `json:"pins"`     // every place where a version of ZenML is written
	Projects     []pin.Span    `json:"projects"` // those that move
	Unread       []repo.Gap    `json:"unread"`   // what could not be read; of a change only what it touches
	Config       *ConfigChange `json:"config"`   // null when there is no pull request
	Suppressions []which.Added `json:"suppressions"`
	Sources      []which.Added `json:"sources"`
	disagree     []pin.Pin     // places at the head that stand against to
	outcome      pin.Outcome   // of a change
	because      []pin.Change  // the places that led to it
}

// ConfigChange says where the configuration was read and what the head would change in it.
type ConfigChange struct {
	Path   string  `json:"path"`    // empty for a file outside of the repository
	ReadAt string  `json:"read_at"` // the commit
	Diff   *string `json:"diff"`    // takes effect after the merge; null when nothing changes
}

// findUpgrade finds out what starts the run and, for a pull request or a merge group, what it
// changes. Without either it leaves from and to to decodeVersions.
func (s *settings) findUpgrade(ctx context.Context, rt *action.Runtime, in *Inputs) error {
	s.upgrade = &Upgrade{FoundIn: "repository", Pins: []pin.Change{}, Projects: []pin.Span{}, Unread: []repo.Gap{}, Suppressions: []which.Added{}, Sources: []which.Added{}}
	change, err := s.change(ctx, rt, in.PullRequest)
	if err != nil {
		return err
	}
	if change == nil {
		s.cfg, err = action.LoadConfig(rt, in.Config)
		return err
	}
	git, below := action.Checkout(rt)
	var github which.GitHub
	if s.reader != nil {
		github = s.reader
	}
	if s.sides, err = which.Open(ctx, *change, git, github, below); err != nil {
		if ctx.Err() != nil {
			return err
		}
		s.settle(missing(err))
		return nil
	}
	cfg, rel, errConfig := action.ConfigAt(rt, s.sides.Trusted, in.Config)
	if s.cfg = cfg; cfg == nil {
		s.cfg = &config.Config{}
	}
	s.upgrade.Config = configChange(s.sides, rel)
	if err := s.compare(ctx); err != nil {
		return err
	}
	if len(s.settled) == 1 && s.settled[0].Decision == verdict.Pass {
		// Nothing was judged by it, and the pull request that mends it has to get through.
		for _, e := range fault.List(errConfig) {
			s.settled[0].Evidence = append(s.settled[0].Evidence, oneLine(e))
		}
		return nil
	}
	return errConfig
}

// missing says that a commit is needed and not to be had.
func missing(err error) verdict.Reason {
	return verdict.Because(verdict.Unknown, "base_missing",
		"What the pull request changes is not known, for a commit could not be read: let actions/checkout fetch it (fetch-depth: 0), or give github-token.", []string{oneLine(err)})
}

// change is what the event or the input pull-request names, nil when neither does.
func (s *settings) change(ctx context.Context, rt *action.Runtime, input string) (*which.Change, error) {
	u := s.upgrade
	event, err := gha.ReadChange(rt.Getenv)
	repository := rt.Getenv("GITHUB_REPOSITORY")
	if event != nil {
		u.Event = &event.Name
	}
	if input = strings.TrimPrefix(strings.TrimSpace(input), "#"); input != "" {
		number, errNumber := strconv.Atoi(input)
		if errNumber != nil || number < 1 {
			return nil, fault.BadInput(fmt.Sprintf("pull-request %q is no number", input), "give one such as 17")
		}
		if err != nil || event == nil || event.Change == nil || event.Change.Number != number {
			return s.ask(ctx, repository, number)
		}
	}
	if err != nil || event == nil || event.Change == nil {
		return nil, err
	}
	c := event.Change
	u.FoundIn, u.Base, u.Head = "merge_group", &c.Base, &c.Head
	if c.Number > 0 {
		u.FoundIn = "pull_request"
		u.told(c.Number, c.Author, c.Title)
	}
	found := action.ChangeOf(event)
	return &found, nil
}

// ask reads a pull request that a person named.
func (s *settings) ask(ctx context.Context, repository string, number int) (*which.Change, error) {
	if repository == "" {
		return nil, fault.BadInput("pull-request is given, and GITHUB_REPOSITORY does not say of which repository", "set GITHUB_REPOSITORY to owner/name")
	}
	if s.reader == nil {
		return nil, s.noReader
	}
	name, err := forge.ParseRepository(repository)
	if err != nil {
		return nil, err
	}
	p, err := s.reader.PullRequest(ctx, name, number)
	if err != nil {
		return nil, err
	}
	s.upgrade.FoundIn, s.upgrade.Base, s.upgrade.Head = "pull_request", &p.BaseSHA, &p.HeadSHA
	s.upgrade.told(p.Number, p.Author, p.Title)
	return &which.Change{Repository: repository, Base: p.BaseSHA, Head: p.HeadSHA}, nil
}

// told notes a pull request. Who opened it counts: a run may be started again by anybody.
func (u *Upgrade) told(number int, author, title string) {
	actor := "person"
	switch bot := strings.HasSuffix(author, "[bot]"); {
	case author == "dependabot[bot]", author == "dependabot-preview[bot]":
		actor = "dependabot"
	case bot && strings.Contains(author, "renovate"), author == "renovate-bot":
		actor = "renovate"
	case bot:
		actor = "bot"
	}
	u.PullRequest, u.Actor, u.Author, u.Title = &number, &actor, &author, &title
}

// compare reads the pins of both ends. When the base may have moved on, a difference counts only if
// it is one to the commit where the change began.
func (s *settings) compare(ctx context.Context) error {
	u := s.upgrade
	for {
		var projects []string
		for _, p := range s.cfg.Projects {
			projects = append(projects, p.Path)
		}
		base, baseGaps := pin.Read(s.sides.Base, projects)
		head, headGaps := pin.Read(s.sides.Head, projects)
		u.Pins, u.Base, u.Head = pin.Compare(base, head), &s.sides.BaseID, &s.sides.HeadID
		u.Unread = append([]repo.Gap{}, pin.ChangedUnread(s.sides.Base, s.sides.Head, baseGaps, headGaps)...)
		var from, to string
		u.outcome, from, to, u.because = pin.Decide(u.Pins)
		if s.sides.Exact || u.outcome == pin.NoUpgrade && len(u.Unread) == 0 {
			u.Projects = pin.Spans(u.Pins)
			u.Suppressions, u.Sources = which.Suppressions(s.sides.Base, s.sides.Head), which.Sources(s.sides.Base, s.sides.Head)
			s.judge(from, to)
			return ctx.Err()
		}
		if err := s.sides.AtFork(ctx); err != nil {
			s.settle(missing(err))
			return ctx.Err()
		}
	}
}

// judge takes the versions over, or settles the run where nothing is left to check.
func (s *settings) judge(from, to string) {
	u := s.upgrade
	asked := s.to != "" // the input names an upgrade, whatever the pins say
	switch {
	case u.outcome == pin.Downgrades:
		s.settle(verdict.Because(verdict.Block, "downgrade", "The pull request moves ZenML back to an older version, and ZenML cannot be downgraded.", changes(u.because)))
	case u.outcome == pin.Doubtful && (s.from == "" || !asked):
		s.settle(verdict.Because(verdict.Unknown, "upgrade_unclear", "The pull request changes what is asked of ZenML, and no place says exactly from which version to which: give from and to.", changes(u.because)))
	case u.outcome == pin.NoUpgrade && !asked && len(u.Unread) == 0:
		s.settle(verdict.Because(verdict.Pass, "no_upgrade", "The pull request does not move ZenML to another version.", nil))
	case u.outcome == pin.NoUpgrade && !asked:
		s.settle(s.unread()...)
	}
	if s.from == "" {
		s.from = from
	}
	if s.to == "" && u.outcome == pin.Upgrades {
		s.to = to
	}
	if u.outcome == pin.Upgrades && s.to != "" {
		var head []pin.Pin
		for _, c := range u.Pins {
			if c.Head != nil {
				head = append(head, *c.Head)
			}
		}
		u.disagree = pin.Disagreeing(head, s.to)
	}
}

// settle ends the run with these reasons: nothing else is read or installed.
func (s *settings) settle(reasons ...verdict.Reason) { s.settled = append(s.settled, reasons...) }

// askServer takes the server's version for the start of the way: without a pull request always, with
// one when it is older than what the base pins.
func (s *settings) askServer(ctx context.Context, address string) error {
	address = strings.TrimSpace(address)
	if address == "" || s.settled != nil {
		return nil
	}
	v, err := zenml.New(address).Version(ctx)
	if err == nil {
		err = version.Valid(v)
	}
	if s.noServer = err; err != nil {
		if s.inputFrom != "" || s.from != "" { // where the upgrade starts is known without it
			return nil
		}
		return fault.Unreachable("the ZenML server did not say its version", err, "check server-url and that the server runs")
	}
	s.upgrade.Server = &v
	if s.inputFrom == "" && (s.sides == nil || s.from == "" || version.Compare(v, s.from) < 0) {
		s.from = v
	}
	return nil
}

// pinned reads the places of a work tree that no pull request stands behind.
func (s *settings) pinned() {
	var projects []string
	for _, p := range s.cfg.Projects {
		projects = append(projects, p.Path)
	}
	pins, unread := pin.Read(s.tree, projects)
	s.upgrade.Pins, s.upgrade.Unread = pin.Compare(pins, pins), append([]repo.Gap{}, unread...)
	versions := map[string]bool{}
	for i := range pins {
		if v := pins[i].Version; v != nil && pins[i].Counts() {
			versions[version.Canonical(*v)] = true
			if s.from == "" || s.inputFrom == "" && version.Compare(*v, s.from) < 0 {
				s.from = *v
			}
		}
	}
	if len(versions) > 1 {
		s.upgrade.disagree = slices.DeleteFunc(pins, func(p pin.Pin) bool { return !p.Counts() || p.Version == nil })
	}
}

package checklist

// Ids of the steps that release-check can prove something of.
const (
	NotesRead      = "plan-breaking-notes"
	SecurityRead   = "plan-security"
	FeaturesRead   = "plan-features"
	MigrationsRead = "plan-migrations"
	PlanPython     = "plan-python"
	PlanPins       = "plan-dependencies"
	PlanCode       = "plan-code"
	PythonSupport  = "2-python-versions"
	Dependencies   = "2-dependency-conflicts"
	ChangeNotes    = "change-changelog"
	ChangeScripts  = "change-migrations"
	ChangePins     = "change-dependencies"
)

// Ids of the steps that every team does for itself.
const (
	TeamsTest  = "4-teams"
	TeamStacks = "4-team-stacks"
)

// Ids of the steps whose place or wording depends on the path.
const (
	tellClients   = "plan-clients"
	stagingServer = "3-server-upgraded"
	server        = "5-upgrade"
	clients       = "5-clients"
	brokenServer  = "5-breaking-upgrade"
)

// part is a chapter of the guide, or one of the five phases of its execution checklist.
type part struct {
	id, title string
	phase     int    // 1 to 5; 0 outside of the five
	duration  string // the guide's estimate
	saas      string // what the guide's call-out tells users of the hosted ZenML Pro
	groups    []group
}

// group is a heading with its points; what it says of audience holds for all of them.
type group struct {
	title    string
	audience Audience
	list     List
	steps    []step
}

type step struct {
	id, text string
	audience Audience
	by       Prover
	own      bool // not in the guide: added for a fact that it does not know
}

// guide is ZenML's "Best practices for upgrading ZenML servers" whole, in its order and in words of
// our own. testdata/guide.tsv holds its headings and points; a test compares the two.
var guide = append([]part{
	{id: "planning", title: "Pre-upgrade planning", saas: "ZenML runs the servers; keep workspaces for development and staging to test your code in", groups: []group{
		{title: "Release notes", steps: []step{
			{id: NotesRead, text: "read the releases for breaking changes", by: ReleaseCheck},
			{id: SecurityRead, text: "find security updates and critical patches", by: ReleaseCheck},
			{id: FeaturesRead, text: "note features that help your teams", by: ReleaseCheck},
			{id: MigrationsRead, text: "review which migrations run", by: ReleaseCheck},
		}},
		{title: "Compatibility", steps: []step{
			{id: PlanPython, text: "the new version supports the Python versions in use", by: ReleaseCheck},
			{id: PlanPins, text: "integrations' requirements do not conflict", by: ReleaseCheck},
			{id: PlanCode, text: "review custom materializers and pipeline code", by: ReleaseCheck},
			{id: "plan-artifacts", text: "assess existing artifacts, pickled ones above all", by: CompatTest},
		}},
		{title: "Environments", steps: []step{
			{id: "plan-environments", text: "go from development to staging to production"},
			{id: "plan-staging", text: "keep a staging environment that mirrors production"},
			{id: "plan-same-stacks", text: "the same stack configurations and integrations in it"},
			{id: "plan-samples", text: "representative data samples in it"},
			{id: "plan-same-security", text: "the same security configuration in it"},
		}},
		{title: "Communication", steps: []step{
			{id: "plan-notify", text: "tell all teams at least one week before"},
			{id: "plan-timeline", text: "give the timeline with its maintenance windows"},
			{id: "plan-templates", text: "write templates for the announcements"},
			{id: "plan-rollback-words", text: "agree on how a rollback is told"},
			{id: tellClients, text: "prepare users to upgrade their client once the server is upgraded"},
		}},
		{title: "Several teams", steps: []step{
			{id: "plan-separate-servers", text: "consider separate servers for teams that are not ready"},
			{id: "plan-multi-tenancy", text: "with ZenML Pro, upgrade the teams' workspaces at different times"},
			{id: "plan-long-pipelines", text: "coordinate with teams whose pipelines run long"},
		}},
	}},
	{id: "phase-1", title: "Backup and preparation", phase: 1, duration: "2-4 hours", saas: "ZenML backs up the database and the server's configuration", groups: []group{
		{title: "Database backup", audience: SelfHosted, steps: []step{
			{id: "1-database-backup", text: "create a full backup of the database", by: StagingUpgrade},
			{id: "1-backup-integrity", text: "verify the backup's integrity", by: StagingUpgrade},
			{id: "1-backup-documented", text: "document where the backup lies and how it is restored", by: StagingUpgrade},
			{id: "1-restore-tested", text: "test the restore outside of production", by: StagingUpgrade},
		}},
		{title: "Configuration backup", audience: SelfHosted, steps: []step{
			{id: "1-stacks-exported", text: "export all stack configurations"},
			{id: "1-connectors-backed-up", text: "back up service connector configurations, without secrets"},
			{id: "1-integrations-documented", text: "document custom integrations and configurations"},
			{id: "1-terraform-saved", text: "save Terraform configurations"},
		}},
		{title: "Pipeline inventory", audience: Everyone, steps: []step{
			{id: "1-critical-pipelines", text: "name the critical pipelines to test", by: StagingUpgrade},
			{id: "1-long-pipelines", text: "list long-running pipelines that must not be interrupted", by: StagingUpgrade},
			{id: "1-pipeline-needs", text: "document what pipelines and stacks need", by: StagingUpgrade},
		}},
		{title: "Run template audit", audience: Pro, steps: []step{
			{id: "1-templates-rebuild", text: "on hosted workspaces, plan to rebuild {templates} with the new version"},
			{id: "1-templates-listed", text: "export or list all {templates}"},
			{id: "1-templates-planned", text: "plan to delete and recreate them after the server's upgrade"},
		}},
	}},
	{id: "phase-2", title: "Code and compatibility testing", phase: 2, duration: "1-2 days", groups: []group{
		{title: "Local testing", steps: []step{
			{id: "2-local-test", text: "test locally with the new version first", by: CompatTest},
			{id: "2-existing-pipelines", text: "run existing pipelines", by: CompatTest},
			{id: PythonSupport, text: "verify the Python versions in use with the new version", by: ReleaseCheck},
			{id: Dependencies, text: "check integrations' requirements for conflicts", by: ReleaseCheck},
		}},
		{title: "Artifacts", steps: []step{
			{id: "2-artifacts-load", text: "load older artifacts with the new version", by: CompatTest},
		}},
		{title: "Automated tests", steps: []step{
			{id: "2-automated-tests", text: "keep automated tests of pipelines, artifacts, stacks, integrations and the dashboard", by: CompatTest},
		}},
		{title: "Key pipelines", steps: []step{
			{id: "2-basic-pipeline", text: "basic: training with standard components", by: CompatTest},
			{id: "2-complex-pipeline", text: "complex: several steps, custom components", by: CompatTest},
			{id: "2-integration-pipeline", text: "integration: one that uses MLflow, Kubeflow or the like", by: CompatTest},
			{id: "2-artifact-pipeline", text: "artifacts: one that loads those of previous runs", by: CompatTest},
		}},
	}},
	{id: "phase-3", title: "Staging environment upgrade", phase: 3, duration: "2-4 hours", saas: "ZenML upgrades the server; test code and configuration in a development workspace", groups: []group{
		{title: "Server upgrade", audience: SelfHosted, steps: []step{
			{id: "3-control-plane", text: "upgrade the control plane before its workspaces", audience: SelfHostedPro, own: true},
			{id: stagingServer, text: "upgrade the staging server first", by: StagingUpgrade},
			{id: "3-server-healthy", text: "verify the server's health after it", by: StagingUpgrade},
			{id: "3-integrations", text: "check that all integrations function", by: CompatTest},
			{id: "3-authentication", text: "validate authentication and permissions", by: StagingUpgrade},
		}},
		{title: "Smoke tests", audience: Everyone, steps: []step{
			{id: "3-light-pipelines", text: "run light pipelines", by: StagingUpgrade},
			{id: "3-stacks", text: "test that stacks and service connectors connect", by: CompatTest},
			{id: "3-dashboard", text: "verify the dashboard", by: CompatTest},
			{id: "3-tracking", text: "check experiment tracking and model registry"},
		}},
		{title: "Refresh run templates", audience: Pro, steps: []step{
			{id: "3-templates-rebuilt", text: "on hosted workspaces, {templates} have to be rebuilt to fit the new version"},
			{id: "3-templates-deleted", text: "delete outdated {templates}"},
			{id: "3-templates-recreated", text: "recreate them with the new version"},
			{id: "3-templates-run", text: "execute each one in staging"},
		}},
	}},
	{id: "phase-4", title: "User acceptance testing", phase: 4, duration: "1-2 days", groups: []group{
		{title: "Power users", audience: Everyone, steps: []step{
			{id: "4-power-users", text: "invite key users to staging"},
			{id: "4-workflows", text: "they run their usual workflows"},
			{id: "4-both", text: "they run pipelines and retrieve artifacts"},
			{id: "4-custom-code", text: "custom code and integrations work"},
		}},
		{title: "Teams", audience: Everyone, steps: []step{
			{id: TeamsTest, text: "each team tests its use cases"},
			{id: TeamStacks, text: "each team's stacks and configurations are validated"},
			{id: "4-permissions", text: "permission boundaries and access are tested"},
			{id: "4-materializers", text: "custom materializers and steps are confirmed"},
			{id: "4-templates", text: "all rebuilt {templates} run end to end", audience: Pro},
		}},
	}},
	{id: "phase-5", title: "Production upgrade", phase: 5, duration: "2-4 hours", saas: "ZenML upgrades the server with little downtime and tells you when, and what you have to do", groups: []group{
		{title: "When nothing breaks", list: NonBreaking, steps: []step{
			{id: "5-schedule", text: "put the upgrade into a quiet period", audience: SelfHosted},
			{id: "5-control-plane", text: "upgrade the control plane before its workspaces", audience: SelfHostedPro, own: true},
			{id: server, text: "upgrade the production server", audience: SelfHosted, by: StagingUpgrade},
			{id: "5-smoke", text: "run smoke tests", audience: Everyone, by: StagingUpgrade},
			{id: "5-monitor", text: "watch the system for 24 hours", audience: Everyone},
			{id: "5-communicate", text: "tell the teams that it is done", audience: Everyone},
			{id: clients, text: "ask all users to upgrade their client", audience: Everyone},
		}},
		{title: "When something breaks", list: Breaking, steps: []step{
			{id: "5-breaking-control-plane", text: "upgrade the control plane before its workspaces", audience: SelfHostedPro, own: true},
			{id: brokenServer, text: "upgrade the server first", audience: SelfHosted, by: StagingUpgrade},
			{id: "5-breaking-guides", text: "give the teams migration guides", audience: Everyone},
			{id: "5-breaking-time", text: "give the teams time to change their code", audience: Everyone},
			{id: "5-breaking-tests", text: "test the changes with each team", audience: Everyone},
			{id: "5-breaking-rollout", text: "open the new environment step by step", audience: Everyone},
			{id: "5-breaking-support", text: "watch for issues and give support", audience: Everyone},
		}},
	}},
}, chapters...)

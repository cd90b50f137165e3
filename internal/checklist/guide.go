package checklist

// Ids of the steps that release-check can prove something of.
const (
	ReviewNotes   = "2-review-release-notes"
	PythonSupport = "2-python-versions"
	Dependencies  = "2-dependency-conflicts"
	CodeReview    = "2-review-code"
)

// guide is ZenML's "Best practices for upgrading ZenML servers": the five phases of its execution
// checklist. The release assessment, which the guide puts before them, opens phase 2, where its
// outcome is used.
var guide = []Phase{
	{Number: 1, Title: "Backup and preparation", Duration: "2-4 hours", Steps: []Step{
		{ID: "1-database-backup", Group: "Database backup", Text: "create a full backup of the database", audience: selfHosted},
		{ID: "1-backup-integrity", Group: "Database backup", Text: "verify the backup's integrity", audience: selfHosted},
		{ID: "1-backup-documented", Group: "Database backup", Text: "document the backup's location and the restore procedure", audience: selfHosted},
		{ID: "1-restore-tested", Group: "Database backup", Text: "test the restore on a non-production environment", audience: selfHosted},
		{ID: "1-stacks-exported", Group: "Configuration backup", Text: "export all stack configurations", audience: selfHosted},
		{ID: "1-connectors-backed-up", Group: "Configuration backup", Text: "back up service connector configurations (without secrets)", audience: selfHosted},
		{ID: "1-integrations-documented", Group: "Configuration backup", Text: "document custom integrations and configurations", audience: selfHosted},
		{ID: "1-terraform-saved", Group: "Configuration backup", Text: "save Terraform configurations", audience: selfHosted},
		{ID: "1-critical-pipelines", Group: "Pipeline inventory", Text: "identify critical pipelines for testing"},
		{ID: "1-long-pipelines", Group: "Pipeline inventory", Text: "list long-running pipelines that should not be interrupted"},
		{ID: "1-pipeline-needs", Group: "Pipeline inventory", Text: "document pipeline dependencies and stack requirements"},
		{ID: "1-templates-listed", Group: "Run template audit", Text: "list all run templates and plan to recreate them", audience: proOnly},
	}},
	{Number: 2, Title: "Code and compatibility testing", Duration: "1-2 days", Steps: []Step{
		{ID: ReviewNotes, Group: "Release assessment", Text: "review the release notes for breaking changes and security updates"},
		{ID: CodeReview, Group: "Release assessment", Text: "review pipeline code and materializers for compatibility"},
		{ID: "2-local-test", Group: "Local testing", Text: "test locally with the new version installed"},
		{ID: "2-existing-pipelines", Group: "Local testing", Text: "run existing pipelines to check for compatibility"},
		{ID: PythonSupport, Group: "Local testing", Text: "verify Python version compatibility with the new version"},
		{ID: Dependencies, Group: "Local testing", Text: "check integration dependencies for version conflicts"},
		{ID: "2-artifacts-load", Group: "Artifact compatibility", Text: "load older artifacts with the new version"},
		{ID: "2-basic-pipeline", Group: "Key pipelines", Text: "basic pipeline"},
		{ID: "2-complex-pipeline", Group: "Key pipelines", Text: "multi-step pipeline with custom components"},
		{ID: "2-integration-pipeline", Group: "Key pipelines", Text: "pipeline that uses an integration"},
		{ID: "2-artifact-pipeline", Group: "Key pipelines", Text: "pipeline that loads artifacts of previous runs"},
		{ID: "2-dashboard", Group: "Automated tests", Text: "stacks connect and the dashboard answers"},
	}},
	{Number: 3, Title: "Staging environment upgrade", Duration: "2-4 hours", Steps: []Step{
		{ID: "3-server-upgraded", Group: "Server upgrade", Text: "upgrade the staging server first", audience: selfHosted},
		{ID: "3-server-healthy", Group: "Server upgrade", Text: "verify the server's health after the upgrade", audience: selfHosted},
		{ID: "3-integrations", Group: "Server upgrade", Text: "check that all integrations function", audience: selfHosted},
		{ID: "3-authentication", Group: "Server upgrade", Text: "validate authentication and permissions", audience: selfHosted},
		{ID: "3-light-pipelines", Group: "Smoke testing", Text: "run lightweight pipelines"},
		{ID: "3-stacks", Group: "Smoke testing", Text: "test stack connectivity and service connectors"},
		{ID: "3-dashboard", Group: "Smoke testing", Text: "verify the dashboard"},
		{ID: "3-tracking", Group: "Smoke testing", Text: "check experiment tracking and model registry"},
		{ID: "3-templates-deleted", Group: "Run templates", Text: "delete outdated run templates", audience: proOnly},
		{ID: "3-templates-recreated", Group: "Run templates", Text: "recreate them with the upgraded version", audience: proOnly},
		{ID: "3-templates-run", Group: "Run templates", Text: "execute each one in staging", audience: proOnly},
	}},
	{Number: 4, Title: "User acceptance testing", Duration: "1-2 days", Steps: []Step{
		{ID: "4-power-users", Group: "Power users", Text: "invite key users to test staging"},
		{ID: "4-workflows", Group: "Power users", Text: "typical workflows run, with pipelines and artifacts"},
		{ID: "4-custom-code", Group: "Power users", Text: "custom code and integrations work"},
		{ID: "4-teams", Group: "Teams", Text: "each team tests its use cases"},
		{ID: "4-team-stacks", Group: "Teams", Text: "team-specific stacks and configurations are validated"},
		{ID: "4-permissions", Group: "Teams", Text: "permission boundaries and access controls are tested"},
		{ID: "4-materializers", Group: "Teams", Text: "custom materializers and step implementations are confirmed"},
		{ID: "4-templates", Group: "Teams", Text: "all rebuilt run templates run end to end", audience: proOnly},
	}},
	{Number: 5, Title: "Production upgrade", Duration: "2-4 hours", Steps: []Step{
		{ID: "5-schedule", Group: "Non-breaking", Text: "schedule the upgrade in a low-activity period", audience: selfHosted, change: nonBreaking},
		{ID: "5-upgrade", Group: "Non-breaking", Text: "upgrade the production server", audience: selfHosted, change: nonBreaking},
		{ID: "5-smoke", Group: "Non-breaking", Text: "run post-upgrade smoke tests", change: nonBreaking},
		{ID: "5-monitor", Group: "Non-breaking", Text: "monitor the system's health for 24 hours", change: nonBreaking},
		{ID: "5-communicate", Group: "Non-breaking", Text: "communicate the upgrade to teams", change: nonBreaking},
		{ID: "5-clients", Group: "Non-breaking", Text: "prompt all users to upgrade their local client", change: nonBreaking},
		{ID: "5-breaking-upgrade", Group: "Breaking", Text: "upgrade the server first", audience: selfHosted, change: breaking},
		{ID: "5-breaking-guides", Group: "Breaking", Text: "provide migration guides to teams", change: breaking},
		{ID: "5-breaking-time", Group: "Breaking", Text: "allow time for teams to adjust their code", change: breaking},
		{ID: "5-breaking-tests", Group: "Breaking", Text: "test the changes with each team", change: breaking},
		{ID: "5-breaking-rollout", Group: "Breaking", Text: "roll out access to the updated environment gradually", change: breaking},
		{ID: "5-breaking-support", Group: "Breaking", Text: "monitor for issues and provide support", change: breaking},
	}},
}

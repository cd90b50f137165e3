package checklist

// chapters are what the guide says beside its planning and its five phases.
var chapters = []part{
	{id: "changes", title: "Breaking changes and dependencies", groups: []group{
		{title: "API changes", steps: []step{
			{id: ChangeNotes, text: "review the changelog for new syntax, instructions and breaking changes", by: ReleaseCheck},
			{id: ChangeScripts, text: "use the migration guides and scripts where there are any"},
			{id: ChangePins, text: "mind requirements of integrations that the new version cannot live with", by: ReleaseCheck},
		}},
		{title: "End-to-end tests", steps: []step{
			{id: "change-tests", text: "keep simple end-to-end tests of your pipelines on your stack", by: CompatTest},
		}},
	}},
	{id: "security", title: "Security and compliance", groups: []group{
		{title: "Least privilege", steps: []step{
			{id: "security-iam", text: "review permissions after the upgrade"},
			{id: "security-no-admin", text: "no admin roles in production: use roles of your own"},
			{id: "security-documented", text: "document what each stack component is allowed to do"},
			{id: "security-audit", text: "audit service accounts regularly"},
		}},
		{title: "Custom roles", steps: []step{
			{id: "security-roles", text: "make roles with the fewest permissions"},
		}},
		{title: "Compliance", steps: []step{
			{id: "compliance-data", text: "tag pipelines that process personal data"},
			{id: "compliance-audit-trail", text: "keep the logs of the upgrade", by: StagingUpgrade},
			{id: "compliance-retention", text: "keep backups as long as your policy says"},
			{id: "compliance-changes", text: "document all changes for audits"},
		}},
	}},
	{id: "rollback", title: "Rollback", saas: "ZenML rolls the server back if it has to; write to support when an upgrade brought a fault", groups: []group{
		{title: "Automated rollback", audience: SelfHosted, steps: []step{
			{id: "rollback-scripts", text: "prepare the rollback before the upgrade", by: StagingUpgrade},
			{id: "rollback-tested", text: "test it in staging", by: StagingUpgrade},
			{id: "rollback-criteria", text: "write down when to roll back"},
			{id: "rollback-templates", text: "keep templates to tell of a rollback"},
		}},
		{title: "Rollback by hand", audience: SelfHosted, steps: []step{
			{id: "rollback-stop", text: "stop all running pipelines"},
			{id: "rollback-restore", text: "restore the database from the backup", by: StagingUpgrade},
			{id: "rollback-server", text: "put the previous version of the server back", by: StagingUpgrade},
			{id: "rollback-verify", text: "verify that the system functions", by: StagingUpgrade},
			{id: "rollback-told", text: "tell all teams"},
		}},
	}},
	{id: "after", title: "After the upgrade", groups: []group{
		{title: "First 24 hours", steps: []step{
			{id: "after-stability", text: "watch performance and stability"},
			{id: "after-logs", text: "read the error logs for what the upgrade brought"},
			{id: "after-critical", text: "validate runs of the critical pipelines"},
			{id: "after-answers", text: "answer the teams' questions"},
		}},
		{title: "First week", steps: []step{
			{id: "after-feedback", text: "gather feedback of all teams"},
			{id: "after-artifacts", text: "watch for artifacts that do not load"},
			{id: "after-performance", text: "watch for lost performance"},
			{id: "after-lessons", text: "write down what was learned"},
		}},
		{title: "Communication", steps: []step{
			{id: "after-told", text: "send the notice that the upgrade is done"},
			{id: "after-links", text: "give links to the new documentation"},
			{id: "after-features", text: "tell what is new or changed"},
			{id: "after-hours", text: "offer hours of support"},
		}},
		{title: "Training", steps: []step{
			{id: "after-sessions", text: "plan sessions for new features"},
			{id: "after-internal-docs", text: "update internal documentation"},
			{id: "after-team-guides", text: "write upgrade guides for single teams"},
			{id: "after-help", text: "provide help for troubles"},
		}},
	}},
	{id: "enterprise", title: "Enterprise", saas: "ZenML coordinates the regions of hosted workspaces", groups: []group{
		{title: "Several regions", steps: []step{
			{id: "enterprise-stagger", text: "upgrade one region after the other", audience: SelfHosted},
			{id: "enterprise-sovereignty", text: "consider where data may lie"},
			{id: "enterprise-artifacts", text: "plan for artifacts that cross regions"},
			{id: "enterprise-regions", text: "coordinate with the regions' teams"},
		}},
		{title: "Enterprise tools", steps: []step{
			{id: "enterprise-ci", text: "CI/CD: update pipeline templates in version control"},
			{id: "enterprise-alerts", text: "monitoring: update alerts and dashboards"},
			{id: "enterprise-compliance", text: "compliance tools: export the new data"},
			{id: "enterprise-identity", text: "identity: verify single sign-on and LDAP"},
		}},
		{title: "Costs", steps: []step{
			{id: "cost-usage", text: "watch the use of resources after the upgrade"},
			{id: "cost-tags", text: "update cost tags"},
			{id: "cost-pricing", text: "review what the new pricing means"},
			{id: "cost-optimize", text: "tune resource configurations"},
		}},
	}},
	{id: "troubleshooting", title: "Troubleshooting", groups: []group{
		{title: "Database migrations", audience: SelfHosted, steps: []step{
			{id: "trouble-staging", text: "always try migrations on staging first", by: StagingUpgrade},
			{id: "trouble-logs", text: "keep detailed logs of the migration", by: StagingUpgrade},
			{id: "trouble-dba", text: "have a database administrator at hand"},
			{id: "trouble-rollback", text: "prepare the rollback of a failed migration", by: StagingUpgrade},
		}},
		{title: "Permissions", steps: []step{
			{id: "trouble-accounts", text: "verify service accounts"},
			{id: "trouble-roles", text: "check role assignments"},
			{id: "trouble-stacks", text: "test that stacks connect with the new permissions"},
			{id: "trouble-docs", text: "document what permissions are needed now"},
		}},
	}},
	{id: "self-hosted", title: "Self-hosted servers", groups: []group{
		{title: "Data backups", audience: SelfHosted, steps: []step{
			{id: "own-backup", text: "back the database up before the upgrade", by: StagingUpgrade},
			{id: "own-daily", text: "consider automatic daily backups of your database service"},
		}},
		{title: "Strategies", audience: SelfHosted, steps: []step{
			{id: "own-staged", text: "consider an old and a new server side by side, moving one service after the other"},
		}},
		{title: "Little downtime", audience: SelfHosted, steps: []step{
			{id: "own-timing", text: "upgrade in a quiet period"},
			{id: "own-interrupt", text: "mind automatic upgrades that would interrupt long pipelines"},
		}},
	}},
	{id: "kpis", title: "Metrics", groups: []group{
		{steps: []step{
			{id: "kpi-downtime", text: "downtime: below 2 hours", audience: SelfHosted, by: StagingUpgrade},
			{id: "kpi-rollbacks", text: "rollbacks: below 5 % of all upgrades"},
			{id: "kpi-resolution", text: "time until issues after the upgrade are solved"},
			{id: "kpi-adoption", text: "share of teams on the new version within one week"},
		}},
	}},
}

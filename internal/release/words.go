package release

import "slices"

// What words say, one expression a meaning. They describe forms (what was removed, renamed, must
// be done), never a version or a package.
var (
	breakingWords = say(`\bnot backwards?[- ]compatible|\bbackwards?[- ]incompatib|\bbreaking changes?\b|\bis (a )?breaking\b`,
		`\b(has|have|had) (now )?(been )?(completely |fully )?(removed|renamed|dropped|replaced)\b|\b(was|were) (removed|renamed|dropped)\b`,
		`\bwe('ve| have)? (also )?(removed|renamed|dropped)\b`,
		`\bno longer (supports?|supported|includes?|included|available|possible|streams?|works?|compatible|accepts?|accepted|returns?|returned|exists?|contains?|provides?|shipped|installed|allows?|allowed|uses?)\b`,
		`\bmust (now )?(be |both |all )?(upgrade|update|implement|migrate|recreate|rename|install|match|redeploy|re-?created|upgraded|updated|migrated|renamed|provided|specified)`,
		`\bneeds? to be (re-?created|redeployed|upgraded|migrated|updated|renamed|re-?registered)\b`,
		`\b(currently|temporarily|now) (deactivated|disabled|unavailable|unsupported|not supported)\b`,
		`\b(might|may|could|will) (see|encounter|experience|cause|lead to) unexpected behaviou?r`)
	// harmless takes back what breakingWords saw: nothing is broken, or not in this version.
	harmless      = say(`\b(no|non|without( any)?)[- ]breaking|\bdoes not (break|introduce)|\bwill be removed\b.*\bfuture|\bupcoming breaking|\bbackwards compatibility for\b|\bremains? backwards? compatible|\bremoved from (pypi|the package index)`)
	upcomingWords = say(`\bwill be (removed|dropped|deprecated)\b|\b(upcoming|next|future) (release|version|breaking)`)
	directUpgrade = say(`\b(bypassing|skipping) (version )?\d+\.\d+`)

	deprecationWords = say(`\b(is|are|was|were|been|now|being|and) (also |now |officially )*deprecated\b|\bdeprecat(es|ing|ion of|ion notice)\b|^deprecate[sd]?\b|\bno longer recommended\b|\bdeprecated (settings|in favou?r)|^deprecation\b`)
	advisory         = say(`\bcve\b|\bghsa-|\b(fix\w*|patch\w*|resolv\w*)\b.*\bvulnerabilit`)
	securityWords    = say(`\bcve\b|\bcve-\d|\bghsa-|\bvulnerabilit|\bpath traversal|\bmass assignment|\bsecurity (fix|issue|risk|threat|enhancement|patch|vulnerab|update|hole|advisor|improvement)|\b(unsafe|malicious) |\brce\b|\b(remote|arbitrary) code execution|\b(prevent|fix|protect|against|mitigat)\w*\b.{0,40}\b(xss|csrf|ssrf|cross-site)\b|\binjection attack|\bsql injection`,
		`\brate[- ]limit(ing|s)? (for|to|on) .{0,40}\b(login|password|api|abuse)|\b(login|password) rate[- ]limit|\badmin-allowed only|\b(expos|leak)(e|es|ed|ing|ure)\b.{0,40}\b(secrets?|tokens?|credentials?|passwords?|uri|keys?)\b|\bhid(e|es|den)\b.{0,40}\bsecrets?\b|\b(secrets?|tokens?|credentials?)\b.{0,30}\b(leak|exposed)|\brbac\b.*\btighten|\b(sym|hard)links?\b.*\b(verif|validat)|\b(verif|validat)\w*\b.*\b(sym|hard)links?\b|\bmore secure\b`)
	migrationWords = say(`\b(database|db|schema|schemas|alembic|table|tables|sql|data)\b.{0,40}\bmigrations?\b|\bmigrations?\b.{0,40}\b(database|db|schema|alembic|bugs?|issues?|fail|pods?|job)\b|\bback ?up (your|the|all) |\bdatabase (recovery|backup|restore)|\b(db|database) (back ?up|recovery|restore)\b|\bfailed to migrate\b|\bavoid (upgrading|using|installing) .{0,20}\d+\.\d+`)
	migrationNot   = say(`\bmigrations? (tests?|guide|docs|script)|\brelease action|\bmigrations? (and )?test|\btest\w*\b.*\bmigration|\bto (the )?migration test`)
	pythonWords    = say(`\b(add|adds|added|adding|drop|drops|dropped|dropping|remov\w+|support\w*|requir\w+|no longer|minimum|deprecat\w+|using|compatib\w+)\b.{0,60}\bpython\s*(>=|<=|>|<|==|v)?\s*3(\.\d+)?\b|\bpython\s*(>=|<=|>|<|==|v)?\s*3\.\d+\b.{0,40}\b(support|supported|compatib\w+|dropped|removed|required|or (higher|newer|above))`)
	helmWords      = say(`\bhelm\b.{0,60}\b(moved?|renam\w+|values?|keys?|breaking|deprecat\w+|remov\w+|out of)\b|\b(moved?|renam\w+|remov\w+)\b.{0,40}\bhelm\b`)

	// A dependency is told by a version bound, or by a verb of versions with the word itself.
	dependencyWords = say(`\b(bump(s|ed|ing)?|pin(s|ned|ning)?|unpin\w*|relax(es|ed|ing)?|cap(s|ped|ping)?|limit(s|ed|ing)?|upper[- ]limit\w*|constrain\w*|downgrad(e|es|ed|ing)|restrict\w*|loosen\w*)\b.{0,80}(\bdependenc(y|ies)\b|\bversions?\b|\brequirements?\b|\bto v?\d+(\.\d+)*|[<>=]=?\s*\d)`,
		`\b(upgrad(e|es|ed|ing)|updat(e|es|ed|ing)|adjust(s|ed|ing)?|switch\w*)\b.{0,80}(\bdependenc(y|ies)\b|\brequirements?\b|[<>=]=\s*\d)`,
		`\b(upgrad|updat)(e|es|ed|ing) \S+ (versions?\b|(\S+ ){0,3}to (the )?(latest|v?\d))|\b(upgrade|update) your \S+ (package|installation)`,
		`\b(cap|pin|unpin)(s|ped|ned|ping|ning)? [\w.-]+ for\b|\b(old|new|latest|previous) versions? of (the |our )?[\w.-]+ (library|package|integration|dependency)`,
		`[\w\])](>=|<=|==|~=|<|>)\s?\d+(\.\d+)*|\bversions? (>=|<=|==|~=)\s?\d|\b(dependenc(y|ies)|requirements?)\b.{0,60}\b(removed|moved|added|dropped|limited|pinned|upgraded|updated|relaxed)\b|\b(removed|moved|added|dropped|reduced|no longer includes?)\b.{0,60}\bdependenc(y|ies)\b|\bpip resolution\b`,
		`\bsupports? (for )?(newer|the latest) \w+ versions?\b|\bto support version \d|\b(started supporting|compatible with)\b.{0,40}\bv?\d+(\.\d+)+`)
	dependencyNot = say(`\b(github )?actions?/|-action\b|@dependabot|\bgithub actions?\b|\b(ruff|mypy|black|pytest|isort|darglint|bandit|pre-commit|poetry|docformatter|typos|linter|lychee)\b|\b(model|artifact|pipeline) versions?\b|\border in which\b|\bupgrad(e|ing) (directly )?to (this version|\d)|\b(tests?|docs?|ci|quickstart|starter|release flow)\b`)

	// Titles of pull requests say what was done in an imperative.
	titleRemoves = say(`^(\[[^\]]*\]\s*)?(remov(e|es|ed|ing)|drop(s|ped|ping)?|delet(e|es|ed|ing)|sunset)\b.*\b(support|integrations?|flavors?|endpoints?|api|options?|arguments?|args?|parameters?|commands?|cli|references|methods?|class(es)?|settings?|components?|orchestrators?|secrets? managers?|materializers?|functions?)\b`)
	titleChanges = say(`^(\[[^\]]*\]\s*)?(renam(e|es|ed|ing)\b.+\b(to|into)|refactor\w*\b.+\binto)\b|\bbreaking change|^(move|moved)\b.*\bout of\b|^prevent extra\b`)
	titleQuiet   = say(`\b(docs?|documentation|readme|tests?|testing|ci|workflows?|examples?|typos?|changelog|links?|todo|comments?|template|quickstart|redundant|unused|unnecessary|duplicate[ds]?|stray|leftover|logs?|logging|warnings?|sleep|gif|book|lint\w*|mypy|wrongly|gh actions?|guides?|folder|help text|scanner|notices?|policy)\b|\.md\b`)
)

// wordCategories reads a unit of prose by its words alone.
func wordCategories(s *saying, in section) []Category {
	var out []Category
	add := func(c Category, yes bool) {
		if yes && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	breaks := (breakingWords.in(s) && !harmless.in(s)) || directUpgrade.in(s)
	add(Breaking, breaks && in != sectionFix)
	add(Deprecation, deprecationWords.in(s) || upcomingWords.in(s) && deprecationStem.in(s))
	add(Security, securityWords.in(s))
	add(Migration, migrationWords.in(s) && !migrationNot.in(s))
	add(PythonSupport, pythonWords.in(s))
	add(Dependency, dependencyWords.in(s) && !dependencyNot.in(s))
	add(Helm, helmWords.in(s) && in != sectionFix)
	return out
}

var deprecationStem = say(`deprecat|removed|dropped`)

// titleCategories reads the title of a pull request, which speaks of code, tests and papers alike.
func titleCategories(s *saying) []Category {
	if titleQuiet.in(s) && !advisory.in(s) {
		if pythonWords.in(s) && !paperwork.in(s) {
			return []Category{PythonSupport}
		}
		return nil
	}
	var out []Category
	if python := pythonWords.in(s); python {
		out = append(out, PythonSupport)
	} else if titleRemoves.in(s) || titleChanges.in(s) {
		out = append(out, Breaking)
	}
	for _, c := range wordCategories(s, sectionFix) {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	if helmWords.in(s) && !slices.Contains(out, Helm) {
		out = append(out, Helm)
	}
	return out
}

// paperwork is about tests and documents of Python versions, not about their support.
var paperwork = say(`\b(docs?|tests?|testing|ci)\b`)

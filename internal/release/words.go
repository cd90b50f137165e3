package release

import (
	"regexp"
	"slices"
	"strings"
)

// phrase is an expression that is tried only on text that holds one of its stems (lower case):
// most text holds none, and searching for stems is many times faster.
type phrase struct {
	*regexp.Regexp
	stems []string
}

func say(stems, expression string) phrase {
	return phrase{re(expression), strings.Split(stems, "|")}
}

// MatchString says whether s matches, whatever its case.
func (p phrase) MatchString(s string) bool {
	low := strings.ToLower(s)
	return slices.ContainsFunc(p.stems, func(stem string) bool { return strings.Contains(low, stem) }) && p.Regexp.MatchString(s)
}

// What words say, one expression a meaning. They describe forms (what was removed, renamed, must
// be done), never a version or a package.
var (
	breakingWords = say("remov|renam|dropp|replac|no longer|must|need|break|compatib|deactivat|disabled|unavail|unsupported|not supported|unexpected", `\bnot backwards?[- ]compatible|\bbackwards?[- ]incompatib|\bbreaking changes?\b|\bis (a )?breaking\b`+
		`|\b(has|have|had) (now )?(been )?(completely |fully )?(removed|renamed|dropped|replaced)\b|\b(was|were) (removed|renamed|dropped)\b`+
		`|\bwe('ve| have)? (also )?(removed|renamed|dropped)\b`+
		`|\bno longer (supports?|supported|includes?|included|available|possible|streams?|works?|compatible|accepts?|accepted|returns?|returned|exists?|contains?|provides?|shipped|installed|allows?|allowed|uses?)\b`+
		`|\bmust (now )?(be |both |all )?(upgrade|update|implement|migrate|recreate|rename|install|match|redeploy|re-?created|upgraded|updated|migrated|renamed|provided|specified)`+
		`|\bneeds? to be (re-?created|redeployed|upgraded|migrated|updated|renamed|re-?registered)\b`+
		`|\b(currently|temporarily|now) (deactivated|disabled|unavailable|unsupported|not supported)\b`+
		`|\b(might|may|could|will) (see|encounter|experience|cause|lead to) unexpected behaviou?r`)
	// harmless takes back what breakingWords saw: nothing is broken, or not in this version.
	harmless      = re(`\b(no|non|without( any)?)[- ]breaking|\bdoes not (break|introduce)|\bwill be removed\b.*\bfuture|\bupcoming breaking|\bbackwards compatibility for\b|\bremains? backwards? compatible|\bremoved from (PyPI|the package index)`)
	upcomingWords = say("will be|upcoming|next|future", `\bwill be (removed|dropped|deprecated)\b|\b(upcoming|next|future) (release|version|breaking)`)
	directUpgrade = say("bypass|skipp", `\b(bypassing|skipping) (version )?\d+\.\d+`)

	deprecationWords = say("deprecat|no longer recommended", `\b(is|are|was|were|been|now|being|and) (also |now |officially )*deprecated\b|\bdeprecat(es|ing|ion of|ion notice)\b|^deprecate[sd]?\b|\bno longer recommended\b|\bdeprecated (settings|in favou?r)|^deprecation\b`)
	advisory         = say("cve|ghsa|vulnerab", `\bCVE\b|\bGHSA-|\b(fix\w*|patch\w*|resolv\w*)\b.*\bvulnerabilit`)
	securityWords    = say("cve|ghsa|vulnerab|travers|mass assign|security|unsafe|malicious|rce|code execution|xss|csrf|ssrf|cross-site|injection|rate limit|rate-limit|admin-allowed|expos|leak|hid|tighten|link|more secure", `\bCVE\b|\bCVE-\d|\bGHSA-|\bvulnerabilit|\bpath traversal|\bmass assignment|\bsecurity (fix|issue|risk|threat|enhancement|patch|vulnerab|update|hole|advisor|improvement)|\b(unsafe|malicious) |\bRCE\b|\b(remote|arbitrary) code execution|\b(prevent|fix|protect|against|mitigat)\w*\b.{0,40}\b(XSS|CSRF|SSRF|cross-site)\b|\binjection attack|\bSQL injection`+
		`|\brate[- ]limit(ing|s)? (for|to|on) .{0,40}\b(login|password|API|abuse)|\b(login|password) rate[- ]limit|\bADMIN-allowed only|\b(expos|leak)(e|es|ed|ing|ure)\b.{0,40}\b(secrets?|tokens?|credentials?|passwords?|uri|keys?)\b|\bhid(e|es|den)\b.{0,40}\bsecrets?\b|\b(secrets?|tokens?|credentials?)\b.{0,30}\b(leak|exposed)|\bRBAC\b.*\btighten|\b(sym|hard)links?\b.*\b(verif|validat)|\b(verif|validat)\w*\b.*\b(sym|hard)links?\b|\bmore secure\b`)
	migrationWords = say("migrat|back up|backup|recovery|restore|avoid", `\b(database|db|schema|schemas|alembic|table|tables|sql|data)\b.{0,40}\bmigrations?\b|\bmigrations?\b.{0,40}\b(database|db|schema|alembic|bugs?|issues?|fail|pods?|job)\b|\bback ?up (your|the|all) |\bdatabase (recovery|backup|restore)|\b(db|database) (back ?up|recovery|restore)\b|\bfailed to migrate\b|\bavoid (upgrading|using|installing) .{0,20}\d+\.\d+`)
	migrationNot   = re(`\bmigrations? (tests?|guide|docs|script)|\brelease action|\bmigrations? (and )?test|\btest\w*\b.*\bmigration|\bto (the )?migration test`)
	pythonWords    = say("python", `\b(add|adds|added|adding|drop|drops|dropped|dropping|remov\w+|support\w*|requir\w+|no longer|minimum|deprecat\w+|using|compatib\w+)\b.{0,60}\bpython\s*(>=|<=|>|<|==|v)?\s*3(\.\d+)?\b|\bpython\s*(>=|<=|>|<|==|v)?\s*3\.\d+\b.{0,40}\b(support|supported|compatib\w+|dropped|removed|required|or (higher|newer|above))`)
	helmWords      = say("helm", `\bhelm\b.{0,60}\b(moved?|renam\w+|values?|keys?|breaking|deprecat\w+|remov\w+|out of)\b|\b(moved?|renam\w+|remov\w+)\b.{0,40}\bhelm\b`)

	// A dependency is told by a version bound, or by a verb of versions with the word itself.
	dependencyWords = say("bump|pin|relax|cap|limit|constrain|downgrad|restrict|loosen|upgrad|updat|adjust|switch|version|<|>|=|depend|requirement|pip resolution|start|compatible", `\b(bump(s|ed|ing)?|pin(s|ned|ning)?|unpin\w*|relax(es|ed|ing)?|cap(s|ped|ping)?|limit(s|ed|ing)?|upper[- ]limit\w*|constrain\w*|downgrad(e|es|ed|ing)|restrict\w*|loosen\w*)\b.{0,80}(\bdependenc(y|ies)\b|\bversions?\b|\brequirements?\b|\bto v?\d+(\.\d+)*|[<>=]=?\s*\d)`+
		`|\b(upgrad(e|es|ed|ing)|updat(e|es|ed|ing)|adjust(s|ed|ing)?|switch\w*)\b.{0,80}(\bdependenc(y|ies)\b|\brequirements?\b|[<>=]=\s*\d)`+
		`|\b(upgrad|updat)(e|es|ed|ing) \S+ (versions?\b|(\S+ ){0,3}to (the )?(latest|v?\d))|\b(upgrade|update) your \S+ (package|installation)`+
		`|\b(cap|pin|unpin)(s|ped|ned|ping|ning)? [\w.-]+ for\b|\b(old|new|latest|previous) versions? of (the |our )?[\w.-]+ (library|package|integration|dependency)`+
		`|[\w\])](>=|<=|==|~=|<|>)\s?\d+(\.\d+)*|\bversions? (>=|<=|==|~=)\s?\d|\b(dependenc(y|ies)|requirements?)\b.{0,60}\b(removed|moved|added|dropped|limited|pinned|upgraded|updated|relaxed)\b|\b(removed|moved|added|dropped|reduced|no longer includes?)\b.{0,60}\bdependenc(y|ies)\b|\bpip resolution\b`+
		`|\bsupports? (for )?(newer|the latest) \w+ versions?\b|\bto support version \d|\b(started supporting|compatible with)\b.{0,40}\bv?\d+(\.\d+)+`)
	dependencyNot = re(`\b(github )?actions?/|-action\b|@dependabot|\bgithub actions?\b|\b(ruff|mypy|black|pytest|isort|darglint|bandit|pre-commit|poetry|docformatter|typos|linter|lychee)\b|\b(model|artifact|pipeline) versions?\b|\border in which\b|\bupgrad(e|ing) (directly )?to (this version|\d)|\b(tests?|docs?|CI|quickstart|starter|release flow)\b`)

	// Titles of pull requests say what was done in an imperative.
	titleRemoves = re(`^(\[[^\]]*\]\s*)?(remov(e|es|ed|ing)|drop(s|ped|ping)?|delet(e|es|ed|ing)|sunset)\b.*\b(support|integrations?|flavors?|endpoints?|api|options?|arguments?|args?|parameters?|commands?|cli|references|methods?|class(es)?|settings?|components?|orchestrators?|secrets? managers?|materializers?|functions?)\b`)
	titleChanges = say("renam|refactor|breaking|move|prevent extra", `^(\[[^\]]*\]\s*)?(renam(e|es|ed|ing)\b.+\b(to|into)|refactor\w*\b.+\binto)\b|\bbreaking change|^(move|moved)\b.*\bout of\b|^prevent extra\b`)
	titleQuiet   = re(`\b(docs?|documentation|readme|tests?|testing|CI|workflows?|examples?|typos?|changelog|links?|todo|comments?|template|quickstart|redundant|unused|unnecessary|duplicate[ds]?|stray|leftover|logs?|logging|warnings?|sleep|gif|book|lint\w*|mypy|wrongly|GH actions?|guides?|folder|help text|scanner|notices?|policy)\b|\.md\b`)
)

// wordCategories reads a unit of prose by its words alone.
func wordCategories(s string, in section) []Category {
	var out []Category
	add := func(c Category, yes bool) {
		if yes && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	breaks := (breakingWords.MatchString(s) && !harmless.MatchString(s)) || directUpgrade.MatchString(s)
	add(Breaking, breaks && in != sectionFix)
	add(Deprecation, deprecationWords.MatchString(s) || upcomingWords.MatchString(s) && deprecationStem.MatchString(s))
	add(Security, securityWords.MatchString(s))
	add(Migration, migrationWords.MatchString(s) && !migrationNot.MatchString(s))
	add(PythonSupport, pythonWords.MatchString(s))
	add(Dependency, dependencyWords.MatchString(s) && !dependencyNot.MatchString(s))
	add(Helm, helmWords.MatchString(s) && in != sectionFix)
	return out
}

// phrases are all that have stems, for the test that no stem is missing.
var phrases = []phrase{breakingWords, directUpgrade, upcomingWords, deprecationWords, advisory, securityWords, migrationWords, pythonWords, helmWords, dependencyWords, titleChanges}

var deprecationStem = re(`deprecat|removed|dropped`)

// titleCategories reads the title of a pull request, which speaks of code, tests and papers alike.
func titleCategories(s string) []Category {
	if titleQuiet.MatchString(s) && !advisory.MatchString(s) {
		if pythonWords.MatchString(s) && !paperwork.MatchString(s) {
			return []Category{PythonSupport}
		}
		return nil
	}
	var out []Category
	if python := pythonWords.MatchString(s); python {
		out = append(out, PythonSupport)
	} else if titleRemoves.MatchString(s) || titleChanges.MatchString(s) {
		out = append(out, Breaking)
	}
	for _, c := range wordCategories(s, sectionFix) {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	if helmWords.MatchString(s) && !slices.Contains(out, Helm) {
		out = append(out, Helm)
	}
	return out
}

// paperwork is about tests and documents of Python versions, not about their support.
var paperwork = re(`\b(docs?|tests?|testing|CI)\b`)

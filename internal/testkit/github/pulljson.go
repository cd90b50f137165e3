package github

import (
	"fmt"
	"strings"
)

// json is the pull request as GitHub answers it: all keys that its description requires.
func (p PullRequest) json(repo string) map[string]any {
	api, web := fmt.Sprintf("https://api.github.com/repos/%s", repo), fmt.Sprintf("https://github.com/%s/pull/%d", repo, p.Number)
	pull, issue := fmt.Sprintf("%s/pulls/%d", api, p.Number), fmt.Sprintf("%s/issues/%d", api, p.Number)
	out := map[string]any{
		"id": p.Number, "node_id": fmt.Sprint("PR_", p.Number), "number": p.Number, "title": p.Title, "body": nil, "state": "open", "locked": false,
		"url": pull, "html_url": web, "diff_url": web + ".diff", "patch_url": web + ".patch", "issue_url": issue, "comments_url": issue + "/comments",
		"commits_url": pull + "/commits", "review_comments_url": pull + "/comments", "review_comment_url": api + "/pulls/comments{/number}",
		"statuses_url": api + "/statuses/" + p.Head, "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
		"closed_at": nil, "merged_at": nil, "merge_commit_sha": nil, "milestone": nil, "assignee": nil, "labels": []any{}, "auto_merge": nil,
		"author_association": "CONTRIBUTOR", "user": user(p.Author), "merged_by": nil, "merged": false, "mergeable": true, "mergeable_state": "clean",
		"maintainer_can_modify": false, "additions": 1, "deletions": 1, "changed_files": 1, "commits": 1, "comments": 0, "review_comments": 0,
		"base": side(repo, p.BaseRef, p.Base), "head": side(repo, p.HeadRef, p.Head),
	}
	links := map[string]any{}
	for key, name := range map[string]string{
		"self": "url", "html": "html_url", "issue": "issue_url", "comments": "comments_url", "commits": "commits_url",
		"statuses": "statuses_url", "review_comments": "review_comments_url", "review_comment": "review_comment_url",
	} {
		links[key] = map[string]any{"href": out[name]}
	}
	out["_links"] = links
	return out
}

func side(repo, ref, commit string) map[string]any {
	owner, _, _ := strings.Cut(repo, "/")
	return map[string]any{"label": owner + ":" + ref, "ref": ref, "sha": commit, "user": user(owner), "repo": repoJSON(repo)}
}

func repoJSON(repo string) map[string]any {
	owner, name, _ := strings.Cut(repo, "/")
	api, web := "https://api.github.com/repos/"+repo, "https://github.com/"+repo
	out := map[string]any{
		"id": 1, "node_id": "R_1", "name": name, "full_name": repo, "owner": user(owner), "private": false, "fork": false, "description": nil,
		"url": api, "html_url": web, "clone_url": web + ".git", "git_url": "git://github.com/" + repo + ".git", "ssh_url": "git@github.com:" + repo + ".git",
		"svn_url": web, "homepage": nil, "language": nil, "mirror_url": nil, "license": nil, "default_branch": "main",
		"forks": 0, "forks_count": 0, "open_issues": 0, "open_issues_count": 0, "watchers": 0, "watchers_count": 0, "stargazers_count": 0, "size": 1,
		"archived": false, "disabled": false, "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z", "pushed_at": "2026-01-02T03:04:05Z",
	}
	for _, k := range []string{"issues", "projects", "wiki", "pages", "downloads"} {
		out["has_"+k] = true
	}
	for _, k := range strings.Fields("archive assignees blobs branches collaborators comments commits compare contents contributors deployments downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags teams trees") {
		out[k+"_url"] = api + "/" + k
	}
	return out
}

// Package ci holds the scripts that action.yml and a GitLab pipeline run. It has no code but tests of them: they run the
// real scripts with the real curl and jq, against a carat and a server that are fakes.
package ci

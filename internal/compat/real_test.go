package compat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/progress"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

func TestChurn(t *testing.T) {
	m, err := pyenv.New(os.Environ(), os.Getenv("ZENML_UPGRADE_CACHE"))
	if err != nil {
		t.Fatal(err)
	}
	repo, _ := filepath.Abs("../../examples/churn")
	cfg, err := config.Load(filepath.Join(repo, config.DefaultPath))
	if err != nil {
		t.Fatal(err)
	}
	res, err := Run(t.Context(), Options{
		From: "0.85.0", To: "0.98.0", Suite: Groups, Pipelines: cfg.Pipelines, Repo: repo, Python: "3.11",
		Pyenv: m, Environ: os.Environ(), Progress: progress.New(os.Stderr, false), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.MarshalIndent(res, "", " ")
	os.WriteFile("/tmp/compat/result.json", b, 0o644)
}

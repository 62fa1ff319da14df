package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
)

// TestAlertmanagersAndSecrets: Prometheus sends alerts to the tasks that are
// selected, scrapes with a secret of the controller's environment, and nobody
// misses a scrape pool that there is none of.
func TestAlertmanagersAndSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	w.env = []string{"ECS_SCRAPE_SECRET_TOKEN=planted-secret"}
	config := strings.Replace(w.prometheusConfig("  alertmanagers:\n  - {name: quiet, selector: {services: [quiet]}, port: http, config: {path_prefix: /am}}\n"),
		"scrapeConfig: {", "scrapeConfig: {authorization: {credentials_file: 'secret:TOKEN'}, ", 1)
	w.write("all.yaml", strings.Join([]string{config, scrapeNamed}, "---\n"))
	w.startAll(current(t))
	w.ready()
	w.scraped(isNamed)
	isQuiet := func(l awssim.Listener) bool { return l.Service == "quiet" && portOf(l) == "80" }
	w.eventually("Prometheus knows the Alertmanagers", func() error { return w.alertsTo(isQuiet) })

	must(t, w.sim.Place.Scale("prod", "quiet", 3))
	w.eventually("and a new one without a reload", func() error { return w.alertsTo(isQuiet) })
	if got := w.reloads(); got > 1 {
		t.Errorf("%d reloads", got)
	}
	w.ready()
	if got := read(t, filepath.Join(w.output, "secrets", "token")); got != "planted-secret" {
		t.Errorf("the secret is %q", got)
	}
	wantNowhereElse(t, w.output, "planted-secret")
	body, err := get("http://" + w.web + "/api/v1/status")
	must(t, err)
	if strings.Contains(string(body)+w.controller.log.String(), "planted-secret") {
		t.Error("the status or the log holds the secret")
	}
	if info, err := os.Stat(filepath.Join(w.output, "secrets", "token")); err != nil || info.Mode() != 0o400 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
}

// alertsTo says whether the Alertmanagers that Prometheus uses are exactly the
// expected listeners, at least one.
func (w *world) alertsTo(expected func(awssim.Listener) bool) error {
	body, err := get("http://" + w.prom + "/api/v1/alertmanagers")
	if err != nil {
		return err
	}
	var answer struct {
		Data struct {
			Active []struct{ URL string } `json:"activeAlertmanagers"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	var got, want []string
	for _, a := range answer.Data.Active {
		got = append(got, a.URL)
	}
	for _, l := range w.sim.Listeners() {
		if expected(l) {
			want = append(want, "http://"+l.Address+"/am/api/v2/alerts")
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		return fmt.Errorf("-want +got\n%s", diff)
	}
	return nil
}

package awssim_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"ecs-scrape/controller/awssim"
)

// get answers status and body of a page behind the proxy.
func get(t testing.TB, client *http.Client, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	resp, err := client.Do(req)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, string(body)
}

func TestProxy(t *testing.T) {
	now := newClock()
	sim := start(t, awssim.Options{Now: now.Now})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	client := throughProxy(t, sim)
	listener := sim.Listeners()[0]
	want := awssim.Listener{
		Scheme: "http", Address: listener.Address, Path: "/metrics", TaskARN: only(t, sim.Place, "web"), Container: "app",
		Cluster: "prod", Service: "web", Account: "123456789012", Region: "us-east-1",
	}
	if diff := cmp.Diff(want, listener); diff != "" {
		t.Errorf("listener (-want +got):\n%s", diff)
	}
	url := listener.URL()
	for range 2 {
		if status, _ := get(t, client, url+"?module=x"); status != http.StatusOK {
			t.Errorf("status %d, want 200", status)
		}
	}
	if status, _ := get(t, client, "http://"+listener.Address+"/other"); status != http.StatusNotFound {
		t.Errorf("status %d for a wrong path, want 404", status)
	}
	if status, _ := get(t, client, "http://10.255.0.1:8080/metrics"); status != http.StatusBadGateway {
		t.Errorf("status %d for an address nobody has, want 502", status)
	}
	must(t, sim.Scale("prod", "web", 0))
	if status, _ := get(t, client, url); status != http.StatusBadGateway {
		t.Errorf("status %d for a stopped task, want 502", status)
	}
	if diff := cmp.Diff(map[string]int{url: 2}, sim.Scrapes()); diff != "" {
		t.Errorf("scrapes (-want +got):\n%s", diff)
	}
	wantBad := []awssim.Miss{{URL: "http://10.255.0.1:8080/metrics", Time: now.Now()}, {URL: url, Time: now.Now()}}
	if diff := cmp.Diff(wantBad, sim.BadGateways()); diff != "" {
		t.Errorf("bad gateways (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]awssim.Miss{{URL: "http://" + listener.Address + "/other", Time: now.Now()}}, sim.WrongPaths()); diff != "" {
		t.Errorf("wrong paths (-want +got):\n%s", diff)
	}
	sim.ResetScrapes()
	if len(sim.Scrapes())+len(sim.BadGateways())+len(sim.WrongPaths()) != 0 {
		t.Error("something is left after a reset")
	}
}

func TestPageIsAPrometheusPage(t *testing.T) {
	sim := start(t, awssim.Options{})
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	client := throughProxy(t, sim)
	var before float64
	for range 3 {
		_, body := get(t, client, sim.Listeners()[0].URL())
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(body))
		if err != nil {
			t.Fatalf("page:\n%s\n%v", body, err)
		}
		for _, name := range []string{"shop_requests_total", "shop_request_duration_seconds", "shop_build_info", "process_start_time_seconds", "sim_scrapes_total"} {
			if families[name] == nil {
				t.Errorf("no %s on the page", name)
			}
		}
		after := families["shop_requests_total"].Metric[0].Counter.GetValue()
		if after <= before {
			t.Errorf("the counter went from %v to %v", before, after)
		}
		before = after
	}
}

func TestProxyIsNoServer(t *testing.T) {
	sim := start(t, awssim.Options{})
	direct := &http.Transport{}
	t.Cleanup(direct.CloseIdleConnections)
	if status, _ := get(t, &http.Client{Transport: direct}, sim.ProxyURL()+"/metrics"); status != http.StatusMethodNotAllowed {
		t.Errorf("status %d for a request that is not a proxy's, want 405", status)
	}
}

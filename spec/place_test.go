package spec

import "testing"

func TestPlace(t *testing.T) {
	const text = `apiVersion: ecs-scrape/v1
kind: PrometheusRule
metadata: {name: before}
spec: {groups: []}
---
# The object of this test.
apiVersion: ecs-scrape/v1
kind: ScrapeTarget
metadata: {name: shop}
spec:
  selector: {}
  endpoints:
  - {port: 8080}
  - port: 8081
    scheme: https
  labels:
    tier: x
    team: a
  scrapeConfig: {params: {"match[]": [a, b]}}
`
	set := Decode([]File{{Name: "shop.yaml", Data: []byte(text)}})
	var o *Object
	for _, found := range set.Objects {
		if found.Kind == KindScrapeTarget {
			o = found
		}
	}
	if o == nil {
		t.Fatalf("no object: %v", set.Problems)
	}
	for path, want := range map[string]string{
		"":                                       "shop.yaml:7:1",
		"metadata.name":                          "shop.yaml:9:18",
		"spec.scrapeClass":                       "shop.yaml:11:3", // of spec: the field is absent
		"spec.endpoints[1].scheme":               "shop.yaml:15:13",
		"spec.endpoints[0].scheme":               "shop.yaml:13:5",
		"spec.endpoints[7]":                      "shop.yaml:13:3",
		"spec.labels.team":                       "shop.yaml:18:11",
		"spec.nothing.below":                     "shop.yaml:11:3",
		"spec.scrapeConfig..broken":              "shop.yaml:19:17",
		`spec.scrapeConfig.params["match[]"][1]`: "shop.yaml:19:42",
	} {
		if got := o.Place(path).String(); got != want {
			t.Errorf("place of %q is %s, want %s", path, got, want)
		}
	}
	moved := *o
	moved.Position.Line += 100
	if got := moved.Place("spec.labels.team").Line; got != 118 {
		t.Errorf("line of an object that has moved is %d, want 118", got)
	}
	implied := &Object{Position: Position{File: "x.yaml"}}
	if got := implied.Place("spec.config"); got != implied.Position {
		t.Errorf("place in an object without a source is %v", got)
	}
}

package plan

import (
	"testing"

	"ecs-scrape/reconcile/inventory"
)

func TestWhyNone(t *testing.T) {
	const nobody = "selects no running container"
	for _, tt := range []struct {
		name, config, target string
		shard                int
		edit                 func(*world)
		want                 string
	}{
		{name: "it has some", target: anyPort},
		{name: "another service", target: "  selector: {services: [x]}\n  endpoints: [{port: 9090}]\n", want: nobody},
		{name: "the container does not run", target: anyPort, edit: func(w *world) {
			for _, task := range w.Tasks {
				task.Containers[0].LastStatus = "PENDING"
			}
		}, want: nobody},
		{name: "dropped", target: anyPort + "  relabelConfigs: [{action: drop, regex: .*}]\n", want: "has no target here: 3 targets dropped by its relabelConfigs"},
		{
			name: "dropped and withheld", target: anyPort + "  relabelConfigs: [{source_labels: [__address__], regex: '10.0.0.1:.*', action: drop}, {target_label: a.b, replacement: x}]\n",
			want: "has no target here: 1 target dropped by its relabelConfigs; 2 targets withheld, as its findings say",
		},
		{name: "no word", target: "  selector: {}\n  convention: prometheus.io\n", want: "has no target here: 3 tasks in which no selected container says anything that asks to be scraped"},
		{name: "no word, and not running", target: "  selector: {}\n  convention: prometheus.io\n", edit: func(w *world) {
			w.Tasks = w.Tasks[:1]
			w.Tasks[0].Containers[0].LastStatus = "PENDING"
		}, want: nobody},
		{name: "another shard", config: "  shards: 2\n", target: anyPort, shard: 1, edit: func(w *world) {
			w.Tasks = w.Tasks[:0]
			def := w.define("web", "awsvpc", container("app"))
			for i, ip := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"} {
				if shardOf(ip+":9090", 2) == 0 && len(w.Tasks) == 0 {
					w.run("t"+string(rune('1'+i)), "web", def, at(ip))
				}
			}
		}, want: "has no target here: 1 target in other shards"},
		{
			name: "not read yet", target: "  selector: {taskTags: {matchLabels: {a: b}}}\n  endpoints: [{port: 9090}]\n",
			want: "has no target here: 3 tasks of which not everything has been read yet",
		},
		{name: "not read yet, elsewhere", target: anyPort, edit: func(w *world) { w.Snapshot = inventory.Snapshot{} }, want: nobody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := replicas(3)
			if tt.edit != nil {
				tt.edit(w)
			}
			config := bareConfig
			if tt.config != "" {
				config = configWith(tt.config)
			}
			in := input(t, &w.Snapshot, nil, config, scrapeTarget("web", tt.target))
			in.Shard = tt.shard
			if got := Build(in).WhyNone("web"); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

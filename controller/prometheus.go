package controller

import (
	"fmt"
	"strings"
	"time"

	"ecs-scrape/controller/target"
)

// observe follows the Prometheus that reads what is published, if one is told.
func (c *Controller) observe(o Observed) {
	if o == nil {
		return
	}
	c.acquaintance = &acquaintance{observed: o, changed: c.nudge}
	c.reads = newReads(o, c.nudge, c.metrics.read)
}

// expectReads tells which target files Prometheus should have read by now.
func (c *Controller) expectReads(now time.Time) {
	if c.reads == nil {
		return
	}
	all, files := c.output.Modified(), map[string]time.Time{}
	for _, p := range c.published.Pools {
		if at, ok := all[p.Path]; ok {
			files[p.Path] = at
		}
	}
	c.reads.expect(now, files, c.config.confirmed != "" && c.config.confirmed == c.config.desired)
}

// reread has it looked again which files Prometheus has read: it has loaded its
// configuration, or restarted.
func (c *Controller) reread(restarted bool) {
	if c.reads == nil {
		return
	}
	now := time.Now()
	c.expectReads(now)
	c.reads.recheck(now, restarted)
}

// prometheusStatus is what is known of Prometheus, and what about it is grave.
func (c *Controller) prometheusStatus(now time.Time) (out PrometheusStatus, grave []string) {
	if c.acquaintance == nil {
		return out, nil
	}
	out.URL = c.acquaintance.observed.Address()
	if problem := c.acquaintance.problem.Load(); problem != nil && *problem != "" {
		grave = append(grave, "the newest version of the file that tells how Prometheus is reached is not used, but the one before it: "+*problem)
	}
	if a := c.acquaintance.known.Load(); a != nil {
		out.Version, out.Features, out.Started = a.Version, a.Features, a.Started
		for _, d := range differences(c.reported.Declared, *a) {
			if d.grave {
				grave = append(grave, d.text)
			} else {
				out.Differences = append(out.Differences, d.text)
			}
		}
	}
	out.Differences = append(grave[:len(grave):len(grave)], out.Differences...)
	reads := c.reads.state()
	out.Unread, out.Lag = reads.Unread, reads.lag(now).Seconds()
	return out, grave
}

// restatePrometheus puts into the status what is known of Prometheus by now, and
// logs what is new about it.
func (c *Controller) restatePrometheus(s *Status, now time.Time) {
	var grave []string
	s.Prometheus, grave = c.prometheusStatus(now)
	c.grave.Store(int64(len(grave)))
	c.logGrave(grave)
	c.logUnread(s.Prometheus)
}

// logGrave logs each difference when it appears.
func (c *Controller) logGrave(grave []string) {
	told := map[string]bool{}
	for _, text := range grave {
		told[text] = true
		if !c.told[text] {
			c.options.Log.Warn("Prometheus is not as declared", "problem", text)
		}
	}
	c.told = told
}

// logUnread logs once that files have not been read for long, and when they are.
func (c *Controller) logUnread(s PrometheusStatus) {
	late := s.late()
	switch {
	case late && !c.unread:
		c.options.Log.Warn("Prometheus does not read target files", "files", len(s.Unread), "seconds", int(s.Lag), "err", s.unreadText()+": "+c.reads.state().cause())
	case !late && c.unread:
		c.options.Log.Info("Prometheus has read all target files again")
	}
	c.unread = late
}

// late says that a target file has not been read for so long that somebody
// should look.
func (s *PrometheusStatus) late() bool { return s.Lag >= readLate.Seconds() }

// unreadText names what is not read.
func (s *PrometheusStatus) unreadText() string {
	const most = 5
	names := s.Unread[:min(most, len(s.Unread))]
	text := "Prometheus has not read " + strings.Join(names, ", ")
	if more := len(s.Unread) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + fmt.Sprintf(" for %s since the change", time.Duration(s.Lag)*time.Second)
}

// cause is what most likely keeps Prometheus from reading.
func (s readState) cause() string {
	switch {
	case s.told.WatchFailed:
		return "it was refused an inotify instance or watch, so raise fs.inotify.max_user_instances and max_user_watches on its host, and restart it; its log has \"Error adding file watcher\""
	case s.told.ReadFailed > 0:
		return "it could not read some file since it started; its log has \"Error reading file\" with the reason, such as a permission"
	}
	return "it may not be told of changes, as where the directory is on a network file system or inotify's limits are used up; then it reads every refresh_interval (30s), and else its log may tell"
}

// nudge has the status told anew. It may be called from any goroutine.
func (c *Controller) nudge() {
	select {
	case c.nudged <- struct{}{}:
	default:
	}
}

var _ Observed = (*target.Prometheus)(nil)

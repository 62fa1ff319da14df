package browser

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// screenshots is where pictures of the pages go; "" takes none.
var screenshots = flag.String("screenshots", "", "directory for screenshots of the pages")

// TestPages looks at the pages of a running controller as readers do. It is one
// test, because the world and the browser take longer to start than to look at.
func TestPages(t *testing.T) {
	browser := startBrowser(t)
	w := newWorld(t)
	b := newTab(browser, t, "http://"+w.web)
	task := w.task("shop-prod", "checkout")
	pages := []struct{ name, path, says string }{
		{"overview", "/", "2 objects are broken"},
		{"broken", "/?state=broken", "checkout"},
		{"object", "/object?kind=ScrapeTarget&name=applications", "From clusters to targets"},
		{"broken-object", "/object?kind=ScrapeTarget&name=checkout", "checkout.yaml:7:"},
		{"rule", "/object?kind=PrometheusConfig&name=demo", "Conditions"},
		{"planted", "/object?kind=ScrapeTarget&name=tagged", hostile},
		{"clusters", "/clusters", "shop-staging"},
		{"changes", "/changes", "Changes"},
		{"search", "/search?q=" + task, "checkout scrapes it"},
		{"nothing", "/search?q=nothing-of-that-name", "Nothing of that name."},
		{"markup", "/search?q=" + url.QueryEscape(hostile), hostile},
	}
	for _, p := range pages {
		b.look(wide)
		b.open(p.path)
		if text := b.text(); !strings.Contains(text, p.says) {
			t.Errorf("%s does not say %q:\n%s", p.name, p.says, text)
		}
		b.inert(p.name)
		for _, l := range []look{wide, night, phone} {
			where := p.name + " " + l.name
			b.look(l)
			b.fits(where, l)
			b.contrast(where)
			if !l.dark {
				b.named(where)
			}
			b.picture(p.name + "-" + l.name)
		}
		b.quiet(p.name)
	}
	b.searches(task)
	b.filters()
	b.cover()
}

// task is the id of a running task of a service.
func (w *world) task(cluster, service string) string {
	w.t.Helper()
	arns, err := w.sim.RunningTasks(cluster, service)
	if err != nil || len(arns) == 0 {
		w.t.Fatalf("no task of %s runs: %v", service, err)
	}
	return arns[0][strings.LastIndexByte(arns[0], '/')+1:]
}

// mustBeNamed are the roles of which each has to say what it is.
var mustBeNamed = map[string]bool{
	"button": true, "link": true, "searchbox": true, "textbox": true, "table": true, "region": true, "navigation": true,
	"heading": true, "RootWebArea": true, "article": true, "columnheader": true, "rowheader": true,
}

// named fails where something that a screen reader stops at has no name, and
// where a page lacks its landmarks.
func (b *tab) named(where string) {
	b.t.Helper()
	count := map[string]int{}
	for _, n := range b.tree() {
		if n.Ignored || n.Role == nil {
			continue
		}
		role := text(n.Role)
		count[role]++
		if mustBeNamed[role] && text(n.Name) == "" {
			b.t.Errorf("%s: a %s has no name (node %d)", where, role, n.BackendDOMNodeID)
		}
	}
	for _, role := range []string{"banner", "main", "contentinfo", "search", "searchbox", "navigation"} {
		if count[role] == 0 {
			b.t.Errorf("%s: there is no %s", where, role)
		}
	}
	if n := value[int](b, "document.querySelectorAll('h1').length"); n != 1 {
		b.t.Errorf("%s has %d first headings", where, n)
	}
	if n := value[int](b, "document.querySelectorAll('table:not(details:not([open]) table)').length"); count["table"] != n {
		b.t.Errorf("%s: %d of %d tables are tables to a screen reader", where, count["table"], n)
	}
}

// text is the string in a value of the tree.
func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `" `)
}

// fits fails where the page is wider than the screen, or not in its colours.
func (b *tab) fits(where string, l look) {
	b.t.Helper()
	if wide := value[int64](b, "document.documentElement.scrollWidth"); wide > l.width {
		b.t.Errorf("%s is %d pixels wide: %s", where, wide, value[string](b, `[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className).slice(0, 5).join(', ')`))
	}
	ground := value[[]float64](b, `getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).map(Number)`)
	if dark := ground[0]+ground[1]+ground[2] < 200; dark != l.dark {
		b.t.Errorf("%s: the ground is %v", where, ground)
	}
}

// contrast fails where a text is hard to read on what it stands on, by the ratio
// of WCAG 2.
func (b *tab) contrast(where string) {
	b.t.Helper()
	for _, poor := range value[[]string](b, contrastScript) {
		b.t.Errorf("%s: %s", where, poor)
	}
}

const contrastScript = `(() => {
  const rgba = s => { const n = s.match(/[\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; } return [255, 255, 255, 1]; };
  const poor = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest('svg, .hidden, .skip')) continue;
    const a = light(rgba(getComputedStyle(e).color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) poor.add(e.tagName + '.' + e.className + ' in ' + e.parentElement.className + ' has a contrast of ' + ratio.toFixed(2));
  }
  return [...poor];
})()`

// inert fails where something on the page runs or is loaded from elsewhere.
func (b *tab) inert(where string) {
	b.t.Helper()
	if found := value[[]string](b, `[...document.querySelectorAll('script, img, iframe, object, embed, style, [style], [onerror], [onload]')].map(e => e.outerHTML)`); len(found) > 0 {
		b.t.Errorf("%s holds %q", where, found)
	}
	if from := value[[]string](b, `performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(location.origin))`); len(from) > 0 {
		b.t.Errorf("%s loads %q", where, from)
	}
}

// searches types into the box, by the keyboard alone.
func (b *tab) searches(task string) {
	b.t.Helper()
	b.look(wide)
	b.open("/")
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), task+kb.Enter), chromedp.WaitVisible(chromedp.CSS("article.task")))
	for _, want := range []string{"SCRAPED", "checkout scrapes it", "other ScrapeTargets do not take it", "shop-prod"} {
		if got := b.text(); !strings.Contains(strings.ToUpper(got), strings.ToUpper(want)) {
			b.t.Errorf("the answer does not say %q:\n%s", want, got)
		}
	}
	b.do(chromedp.Click(chromedp.CSS("article.task summary")), chromedp.WaitVisible(chromedp.CSS("article.task details table")))
	b.do(chromedp.SetValue(chromedp.CSS("#q"), "checkout"), chromedp.Submit(chromedp.CSS("#q")), chromedp.WaitVisible(chromedp.CSS("#conditions")))
	if title := value[string](b, "document.title"); !strings.HasPrefix(title, "checkout ·") {
		b.t.Errorf("the search for an object leads to %q", title)
	}
	b.quiet("search")
}

// filters chooses the broken objects.
func (b *tab) filters() {
	b.t.Helper()
	b.open("/")
	b.do(chromedp.Click(chromedp.CSS(".choices a.broken")), chromedp.WaitVisible(chromedp.CSS(`.choices a.broken[aria-current]`)))
	if got := value[[]string](b, `[...document.querySelectorAll('.objects tbody th a')].map(e => e.textContent)`); fmt.Sprint(got) != "[checkout never]" {
		b.t.Errorf("broken are %q", got)
	}
	b.quiet("filter")
}

// cover takes the two pictures of docs/, which are of what a reader sees first.
func (b *tab) cover() {
	b.t.Helper()
	for name, dark := range map[string]bool{"page": false, "page-dark": true} {
		b.look(look{"cover", 1080, 860, 1, false, dark})
		b.open("/")
		b.write(name, func() []byte { return run(b, chromedp.CaptureScreenshot()) })
	}
}

// picture writes the whole page, where pictures are wanted.
func (b *tab) picture(name string) {
	b.t.Helper()
	b.write(name, func() []byte { return run(b, chromedp.FullScreenshot(100)) })
}

func (b *tab) write(name string, take func() []byte) {
	b.t.Helper()
	if *screenshots == "" {
		return
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), take(), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

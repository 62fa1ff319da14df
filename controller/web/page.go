package web

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ecs-scrape/controller"
)

//go:embed templates/*.html
var texts embed.FS

//go:embed style.css
var styleText []byte

// The pages, each with the frame around it.
var (
	overviewPage = parsed("overview")
	objectPage   = parsed("object")
	clustersPage = parsed("clusters")
	changesPage  = parsed("changes")
	searchPage   = parsed("search")
	missingPage  = parsed("missing")
)

func parsed(name string) *template.Template {
	t := template.New("frame.html").Funcs(template.FuncMap{"short": short, "counted": counted})
	return template.Must(t.ParseFS(texts, "templates/frame.html", "templates/parts.html", "templates/"+name+".html"))
}

// pages answers with pages for people. It is used by many requests at once.
type pages struct {
	source  Source
	explain *gate
	now     func() time.Time
}

// frame is what every page has.
type frame struct {
	Title   string
	Here    string // the page's address, for the link that is marked
	Query   string // in the search box
	Status  *controller.Status
	Now     time.Time
	Refresh int    // seconds until the page loads itself again; 0 never
	Again   string // the page's own address, with its choices but without refresh
}

func (p *pages) frame(r *http.Request, here, title string) frame {
	f := frame{Title: title, Here: here, Status: p.source.Status(), Now: p.now()}
	values := r.URL.Query()
	f.Refresh = refresh(values.Get("refresh"))
	values.Del("refresh")
	f.Again = here
	if len(values) > 0 {
		f.Again += "?" + values.Encode()
	}
	return f
}

// WithRefresh is the address of the page that loads itself again.
func (f frame) WithRefresh() string {
	if strings.Contains(f.Again, "?") {
		return f.Again + "&refresh=5"
	}
	return f.Again + "?refresh=5"
}

// refresh reads how many seconds a page should stand; 0 is for ever, which is
// the default: a page that loads itself takes the reader's place and words.
func refresh(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		return 0
	}
	return min(max(n, 2), 3600)
}

// When is a time with its age.
func (f frame) When(t time.Time) when { return when{t.UTC(), f.Now} }

// render writes a page whole, or an error: never half a page.
func render(w http.ResponseWriter, t *template.Template, code int, data any) {
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		http.Error(w, "the page cannot be made; /api/v1/status has the same as JSON: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // a client that went away is nobody's problem
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(styleText)
}

// iconColors are the colours of the tab's icon, by state.
var iconColors = map[string]string{
	controller.StateOK: "#2da44e", controller.StateDegraded: "#cf222e", controller.StatePending: "#bf8700", controller.StateStarting: "#bf8700",
}

// icon is a dot in the colour of the state, so that a tab tells it.
func (p *pages) icon(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	color := cmp.Or(iconColors[p.source.Status().State], "#6e7781")
	_, _ = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.5" fill="%s"/></svg>`, color)
}

// short is the beginning of a digest or revision, enough to tell two apart.
func short(s string) string {
	const enough = 12
	if len(s) <= 20 {
		return s
	}
	return strings.ToValidUTF8(s[:enough], "") + "…"
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return group(n) + " " + what + "s"
}

// group writes a number with a comma between thousands.
func group(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

package webui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"
)

// embedded holds the pages under app/dist if they were built before this program was. The
// pattern names app/dist.md too, which is always there, so that it builds without them.
//
//go:embed all:app/dist*
var embedded embed.FS

//go:embed openapi.yaml
var openAPI string

// pages are the built pages, held in memory: what is asked for is a key of a map and never a
// path of a file system.
type pages struct {
	files   map[string]asset  // by the path that is asked for, as "/assets/index-DkE3Gf2x.js"
	scripts map[string]string // that path by what the build calls a chunk, as "index"
	themed  map[string]asset  // the page by the theme that it is in, "" for the system's
	always  []string          // Link headers of what it needs, whatever it shows
}

// themeCookie names what webui/app/src/theme writes when somebody chooses colours.
const themeCookie = "procmon.theme"

var themes = []string{"light", "dark"}

type asset struct {
	content     []byte
	contentType string
	cache       string // Cache-Control
	etag        string
}

func loadPages(built fs.FS) (*pages, error) {
	p := &pages{files: map[string]asset{}, scripts: map[string]string{}, themed: map[string]asset{}}
	err := fs.WalkDir(built, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(built, name)
		if err != nil {
			return err
		}
		p.files["/"+name] = newAsset(name, content)
		if found := chunk.FindStringSubmatch(name); found != nil {
			p.scripts[found[1]] = "/" + name
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	if index, ok := p.files["/index.html"]; ok {
		p.themed[""] = index
		for _, theme := range themes {
			root := []byte(`<html data-theme="` + theme + `"`)
			p.themed[theme] = newAsset("index.html", bytes.Replace(index.content, []byte("<html"), root, 1))
		}
		p.always = needs(string(index.content))
	}
	return p, nil
}

// loaded are the tags of a page that the build writes for what it loads, and the Link headers that say the same.
var loaded = []struct {
	tag  *regexp.Regexp
	link string
}{
	{regexp.MustCompile(`<link rel="stylesheet" crossorigin href="([^"]+)"`), "<%s>; rel=preload; as=style; crossorigin"},
	{regexp.MustCompile(`<link rel="modulepreload" crossorigin href="([^"]+)"`), "<%s>; rel=modulepreload"},
	{regexp.MustCompile(`<script type="module" crossorigin src="([^"]+)"`), "<%s>; rel=modulepreload"},
}

// needs returns Link headers of what a page loads: a browser follows them before it begins to read the page.
func needs(page string) []string {
	var links []string
	for _, what := range loaded {
		for _, found := range what.tag.FindAllStringSubmatch(page, -1) {
			links = append(links, fmt.Sprintf(what.link, found[1]))
		}
	}
	return links
}

// hashed matches a name that the build makes from the content, as index-DkE3Gf2x.js.
var hashed = regexp.MustCompile(`^assets/.+-[A-Za-z0-9_-]{8}\.[a-z0-9]+$`)

// chunk matches a script; it finds what the build calls it.
var chunk = regexp.MustCompile(`^assets/(.+)-[A-Za-z0-9_-]{8}\.js$`)

func newAsset(name string, content []byte) asset {
	a := asset{
		content:     content,
		contentType: contentType(path.Ext(name)),
		cache:       "no-cache",
		// Weak, as the bytes that are sent depend on the compression.
		etag: fmt.Sprintf(`W/"%x"`, sha256.Sum256(content)),
	}
	if hashed.MatchString(name) {
		a.cache = "public, max-age=31536000, immutable" // a year
	}
	return a
}

// contentType does not leave to the machine's tables what the pages depend on.
func contentType(extension string) string {
	switch extension {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".webmanifest":
		return "application/manifest+json"
	case ".woff2":
		return "font/woff2"
	}
	if t := mime.TypeByExtension(extension); t != "" {
		return t
	}
	return "application/octet-stream"
}

// A view is what the pages show for a path.
type view struct {
	script string                     // the chunk of its code, of webui/app/src/App/pages.svelte.ts
	data   func(*http.Request) string // what its code asks for first, where it does
}

// views are by the path as the router knows it.
var views = map[string]view{
	"/":                      {"Fleet", firstHosts},
	"/hosts/{host}":          {"Host", newestTree},
	"/hosts/{host}/":         {"Host", newestTree},
	"/hosts/{host}/compare":  {"Compare", nil},
	"/hosts/{host}/compare/": {"Compare", nil},
	"/search":                {"Search", nil},
	"/search/":               {"Search", nil},
	"/top":                   {"Top", nil},
	"/top/":                  {"Top", nil},
	"/targets":               {"Targets", ask("/api/v1/targets")},
	"/targets/":              {"Targets", ask("/api/v1/targets")},
}

func ask(path string) func(*http.Request) string {
	return func(*http.Request) string { return path }
}

// firstHosts returns where the hosts are that the fleet's page shows first: all, where it has to choose
// from them or to order them. This and newestTree are the rules of webui/app/src/api/first.ts.
func firstHosts(r *http.Request) string {
	if says(r.URL.Query(), "q", "state", "sort", "group") {
		return "/api/v1/hosts"
	}
	return "/api/v1/hosts?limit=100"
}

// says reports whether one of the parameters is there and holds something.
func says(query url.Values, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return query.Get(name) != "" })
}

// asBrowsers makes of what url.QueryEscape writes what encodeURIComponent does:
// https://tc39.es/ecma262/#sec-encodeuricomponent-uricomponent
var asBrowsers = strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

// newestTree returns where the tree is that a host's page shows first, unless it shows the past: only its
// top, where that can be told from all else.
func newestTree(r *http.Request) string {
	host, err := hostInPath(r)
	query := r.URL.Query()
	if err != nil || query.Get("at") != "" {
		return ""
	}
	tree := "/api/v1/hosts/" + asBrowsers.Replace(url.QueryEscape(host)) + "/tree"
	if says(query, "q", "sort", "flat", "process", "opened", "closed", "shown", "hidden") {
		return tree
	}
	tree += "?limit=300"
	switch open := query.Get("open"); open {
	case "all", "roots", "none":
		tree += "&open=" + open
	}
	return tree
}

// index serves the one page that shows every view. Its header tells the browser what the view needs,
// so that code and data come together and not one after the other. It is in the colours that were chosen from
// its first paint on, without a script that the paint would have to wait for.
func (p *pages) index(w http.ResponseWriter, r *http.Request) {
	theme := ""
	if cookie, err := r.Cookie(themeCookie); err == nil && slices.Contains(themes, cookie.Value) {
		theme = cookie.Value
	}
	if index, ok := p.themed[theme]; ok {
		w.Header().Add("Vary", "Cookie")
		template, _ := mux.CurrentRoute(r).GetPathTemplate()
		v := views[template]
		for _, link := range p.always {
			w.Header().Add("Link", link)
		}
		if script, ok := p.scripts[v.script]; ok {
			w.Header().Add("Link", "<"+script+">; rel=modulepreload")
		}
		if v.data != nil {
			if data := v.data(r); data != "" {
				w.Header().Add("Link", "<"+data+">; rel=preload; as=fetch; crossorigin")
			}
		}
		index.serve(w, r)
		return
	}
	writePage(w, http.StatusOK, "The pages are not built",
		`<p>This procmon was built without its pages. Run <code>make build</code> and start <code>bin/procmon</code>.</p>
<p>The <a href="/api/v1/openapi.yaml">API</a> works: see <a href="/api/v1/hosts">the hosts</a> and <a href="/api/v1/targets">the targets</a>.</p>`)
}

// other serves the files of the pages, and says of all else that it is not there.
func (p *pages) other(w http.ResponseWriter, r *http.Request) {
	if file, ok := p.files[r.URL.Path]; ok && r.URL.Path != "/index.html" {
		methods{http.MethodGet: file}.ServeHTTP(w, r)
		return
	}
	if isAPI(r.URL.Path) {
		refuse(w, r, &problem{status: http.StatusNotFound, code: "not_found", message: "path " + quote(r.URL.Path) + " is not known; /api/v1/openapi.yaml lists those that are"})
		return
	}
	writePage(w, http.StatusNotFound, "Not found", `<p>There is no such page. <a href="/">Go to the fleet</a>.</p>`)
}

func (a asset) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.serve(w, r) }

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", a.cache)
	h.Set("ETag", a.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
}

// writePage writes a page of fixed text; nothing of a request or a process goes in.
func writePage(w http.ResponseWriter, status int, title, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n"+
		"<title>procmon: %[1]s</title>\n<h1>%[1]s</h1>\n%[2]s\n</html>\n", title, body)
}

package webui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/webui"
)

type description struct {
	doc    *openapi3.T
	router routers.Router
}

var readDescription = sync.OnceValues(func() (*description, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	// It matches with the address of the test's server, too, when the file names none.
	doc.Servers = nil
	router, err := gorillamux.NewRouter(doc)
	return &description{doc, router}, err
})

func describedAPI(t *testing.T) *description {
	t.Helper()
	d, err := readDescription()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// checkAgainstFile fails unless openapi.yaml describes the answer: status, type, shape, and
// every field. What no operation of the file answers has to be an error in the common shape.
func checkAgainstFile(t *testing.T, req *http.Request, a *answer) {
	t.Helper()
	if req.Method == http.MethodHead {
		return
	}
	d := describedAPI(t)
	var schema *openapi3.SchemaRef
	if path := req.URL.Path; path == "/api/latest" || path == "/api/process-data" {
		req = req.Clone(t.Context()) // the file has them with the slash that may be left out
		req.URL.Path += "/"
		req.URL.RawPath += "/"
	}
	route, params, err := d.router.FindRoute(req)
	if err != nil || a.status == http.StatusForbidden {
		if a.status < 400 {
			t.Errorf("%s %s answers %d and is not in openapi.yaml", req.Method, req.URL, a.status)
			return
		}
		schema = d.doc.Components.Schemas["Error"]
	} else {
		input := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
			Status:                 a.status,
			Header:                 a.header,
			Options:                &openapi3filter.Options{IncludeResponseStatus: true},
		}
		input.SetBodyBytes([]byte(a.body))
		if err := openapi3filter.ValidateResponse(t.Context(), input); err != nil {
			t.Errorf("%s %s answers %d not as in openapi.yaml: %v", req.Method, req.URL, a.status, err)
			return
		}
		schema = route.Operation.Responses.Status(a.status).Value.Content.Get(a.header.Get("Content-Type")).Schema
	}
	if a.header.Get("Content-Type") != "application/json" {
		return
	}
	value := a.json(t)
	if err := schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("%s %s: %v", req.Method, req.URL, err)
	}
	for _, field := range undescribed("", schema, value) {
		t.Errorf("%s %s answers %s, which is not in openapi.yaml", req.Method, req.URL, field)
	}
}

// undescribed returns the fields of value that schema, which allows more, does not name.
func undescribed(at string, schema *openapi3.SchemaRef, value any) []string {
	for _, form := range slices.Concat(schema.Value.AnyOf, schema.Value.OneOf) {
		if form.Value.VisitJSON(value, openapi3.EnableJSONSchema2020()) == nil {
			return undescribed(at, form, value)
		}
	}
	var out []string
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			out = append(out, undescribed(fmt.Sprintf("%s[%d]", at, i), schema.Value.Items, item)...)
		}
	case map[string]any:
		known := properties(schema)
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if property := known[name]; property != nil {
				out = append(out, undescribed(at+"."+name, property, value[name])...)
			} else if schema.Value.AdditionalProperties.Schema == nil {
				out = append(out, at+"."+name)
			}
		}
	}
	return out
}

func properties(schema *openapi3.SchemaRef) openapi3.Schemas {
	all := maps.Clone(schema.Value.Properties)
	if all == nil {
		all = openapi3.Schemas{}
	}
	for _, part := range schema.Value.AllOf {
		maps.Copy(all, properties(part))
	}
	return all
}

func TestRoutesAreDescribed(t *testing.T) {
	nothing := http.NotFoundHandler()
	inFile, other := webui.RoutesOf(webui.Options{Receiver: nothing, Metrics: nothing, Reload: func(context.Context) error { return nil }})

	d := describedAPI(t)
	var want []string
	for path, item := range d.doc.Paths.Map() {
		for method := range item.Operations() {
			want = append(want, method+" "+path)
		}
	}
	slices.Sort(want)
	slices.Sort(inFile)
	if diff := cmp.Diff(want, inFile); diff != "" {
		t.Errorf("(-openapi.yaml +routes):\n%s", diff)
	}
	for _, rt := range other {
		_, path, _ := strings.Cut(rt, " ")
		if !strings.Contains(d.doc.Info.Description, path) {
			t.Errorf("openapi.yaml does not mention %s", rt)
		}
	}
}

func TestDescriptionIsServed(t *testing.T) {
	want, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := start(t, webui.Options{}).get("/api/v1/openapi.yaml")
	if got.body != string(want) || got.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("got %d bytes of %s, want the %d of openapi.yaml", len(got.body), got.header.Get("Content-Type"), len(want))
	}
}

// The checks above would be worth nothing if they let everything through.
func TestCheckAgainstFileCanFail(t *testing.T) {
	schema := describedAPI(t).doc.Components.Schemas["Host"]
	good := `{"host":"a","state":"up","labels":{"x":"y"},"first_seen":"2026-11-22T20:15:00Z","last_seen":"2026-11-22T20:15:00Z","system":{},"processes":1}`
	for _, test := range []struct{ name, old, new string }{
		{"good", "", ""},
		{"missing", `"state":"up",`, ``},
		{"not of the enumeration", `"up"`, `"on"`},
		{"null", `"processes":1`, `"processes":null`},
		{"not described", `"system":{}`, `"system":{"colour":"red"}`},
		{"wrong type of label", `"y"`, `5`},
		{"fraction", `"processes":1`, `"processes":1.5`},
		{"not an instant", `"first_seen":"2026-11-22T20:15:00Z"`, `"first_seen":"yesterday"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var value any
			if err := json.Unmarshal([]byte(strings.Replace(good, test.old, test.new, 1)), &value); err != nil {
				t.Fatal(err)
			}
			err := schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.EnableFormatValidation())
			failed := err != nil || len(undescribed("", schema, value)) > 0
			if failed != (test.name != "good") {
				t.Errorf("failed is %v: %v", failed, err)
			}
		})
	}
}

# procmon: build, run and test. `make help` lists the targets.

GO      ?= go
NPM     ?= npm
APP     := webui/app
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)"
PAGES   := $(APP)/dist/index.html

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build everything, start exporter and server on this machine, print the URL
	@exec ./bin/procmon standalone --config.file procmon.yaml

build: pages ## build the pages, bin/procmon and bin/procmon-exporter
	@$(BUILD) -o bin/ ./cmd/procmon ./cmd/procmon-exporter

pages: $(PAGES) ## build the web pages

$(APP)/node_modules/.package-lock.json: $(APP)/package.json $(APP)/package-lock.json
	@cd $(APP) && $(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGES): $(APP)/node_modules/.package-lock.json $(shell find $(APP)/src $(APP)/index.html $(APP)/public $(APP)/*.ts -type f 2>/dev/null)
	@cd $(APP) && $(NPM) run --silent build
	@touch $@

windows: ## build the exporter for Windows, amd64 and arm64, and vet all of it there
	GOOS=windows GOARCH=amd64 $(BUILD) -o bin/procmon-exporter-amd64.exe ./cmd/procmon-exporter
	GOOS=windows GOARCH=arm64 $(BUILD) -o bin/procmon-exporter-arm64.exe ./cmd/procmon-exporter
	GOOS=windows GOARCH=amd64 $(GO) vet ./...
	GOOS=windows GOARCH=arm64 $(GO) vet ./exporter/... ./cmd/procmon-exporter

test: build ## all tests: Go with -race, front end, Windows under Wine, Prometheus, Chromium
	$(GO) vet ./...
	$(MAKE) --no-print-directory windows
	$(GO) test -race -timeout 20m ./...
	cd $(APP) && $(NPM) run --silent check && $(NPM) run --silent size && $(NPM) test --silent
	cd $(APP) && $(NPM) run --silent e2e

race: ## Go tests alone, with the race detector
	$(GO) test -race ./...

fuzz: ## fuzz each parser for 30 seconds
	@$(GO) list ./... | while read -r pkg; do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep ^Fuzz); do \
	    echo "$$pkg $$f" && $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 30s -fuzzminimizetime 1x $$pkg || exit 1; \
	  done; done

bench: build ## measure, each figure beside a peer or a floor in the same run
	$(GO) test -run '^$$' -bench . -benchtime 1s -timeout 40m ./...
	cd bench && $(GO) test -run '^$$' -bench . -benchtime 1s ./...

fmt: ## format the Go files
	gofmt -w $$(git ls-files '*.go')

lint: ## golangci-lint and govulncheck, as pinned in tools/go.mod
	$(GO) tool -modfile=tools/go.mod golangci-lint run ./...
	$(GO) tool -modfile=tools/go.mod govulncheck ./...

clean: ## remove what was built
	rm -rf bin $(APP)/dist/assets $(PAGES) $(APP)/node_modules

.PHONY: help run build pages windows test race fuzz bench fmt lint clean

# procmon: build, run and test. `make help` lists the targets.

GO      ?= go
NPM     ?= npm
APP     := webui/app
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
VCS     := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo auto || echo false)
LDFLAGS := -s -w -X main.version=$(VERSION)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(VCS) -ldflags "$(LDFLAGS)"
AGENT   := $(BUILD) $(shell sed '/^\#/d' cmd/procmon-exporter/buildflags)
PAGES   := $(APP)/dist/index.html

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build everything, start exporter and server on this machine, print the URL
	@exec ./bin/procmon standalone --config.file procmon.yaml

build: pages ## build the pages, bin/procmon and bin/procmon-exporter
	@$(BUILD) -o bin/ ./cmd/procmon
	@$(AGENT) -o bin/ ./cmd/procmon-exporter

pages: $(PAGES) ## build the web pages

$(APP)/node_modules/.package-lock.json: $(APP)/package.json $(APP)/package-lock.json
	@cd $(APP) && $(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGES): $(APP)/node_modules/.package-lock.json $(shell find $(APP)/src $(APP)/index.html $(APP)/public $(APP)/*.ts -type f 2>/dev/null)
	@cd $(APP) && $(NPM) run --silent build
	@touch $@

windows: resources ## build the exporter for Windows, amd64 and arm64, and vet all of it there
	GOOS=windows GOARCH=amd64 $(AGENT) -o bin/procmon-exporter-amd64.exe ./cmd/procmon-exporter
	GOOS=windows GOARCH=arm64 $(AGENT) -o bin/procmon-exporter-arm64.exe ./cmd/procmon-exporter
	GOOS=windows GOARCH=amd64 $(GO) vet ./...
	GOOS=windows GOARCH=arm64 $(GO) vet ./exporter/... ./cmd/procmon-exporter ./deploy/...

resources: # what Windows shows of the programs; go build links it where it lies there
	@cd tools && for arch in amd64 arm64; do \
	  $(GO) run ./resource -version $(VERSION) -arch $$arch -icon ../deploy/windows/procmon.ico \
	    -o ../cmd/procmon-exporter/rsrc_windows_$$arch.syso && \
	  $(GO) run ./resource -version $(VERSION) -arch $$arch -icon ../deploy/windows/procmon.ico \
	    -file setup.exe -description "procmon exporter setup" -o ../deploy/windows/setup/rsrc_windows_$$arch.syso || exit 1; \
	done

msi: windows ## build bin/procmon-exporter-VERSION-ARCH.msi; SIGN_CERT and SIGN_KEY, or SIGN_PKCS12, sign it
	GOOS=windows GOARCH=amd64 $(BUILD) -o bin/setup-amd64.exe ./deploy/windows/setup
	GOOS=windows GOARCH=arm64 $(BUILD) -o bin/setup-arm64.exe ./deploy/windows/setup
	@deploy/windows/sign.sh bin/procmon-exporter-amd64.exe bin/procmon-exporter-arm64.exe bin/setup-amd64.exe bin/setup-arm64.exe
	@cd tools && for arch in amd64 arm64; do \
	  $(GO) run ./msi -version $(VERSION) -arch $$arch -source ../deploy/windows -license ../LICENSE \
	    -exporter ../bin/procmon-exporter-$$arch.exe -setup ../bin/setup-$$arch.exe -o ../bin/procmon-exporter-$(VERSION)-$$arch.msi || exit 1; \
	done
	@deploy/windows/sign.sh bin/procmon-exporter-$(VERSION)-amd64.msi bin/procmon-exporter-$(VERSION)-arm64.msi

dist: pages msi ## build dist/: packages, archives, their contents' list (SBOM) and checksums
	@for arch in amd64 arm64; do \
	  GOOS=linux GOARCH=$$arch $(BUILD) -o bin/linux-$$arch/ ./cmd/procmon || exit 1; \
	  GOOS=linux GOARCH=$$arch $(AGENT) -o bin/linux-$$arch/ ./cmd/procmon-exporter || exit 1; \
	done
	@cd tools && $(GO) run ./dist -version $(VERSION) -root .. -o ../dist

test: build ## all tests: Go with -race, front end, Windows under Wine, Prometheus, Chromium
	$(GO) vet ./...
	$(MAKE) --no-print-directory windows
	$(GO) test -race -timeout 20m ./...
	cd tools && $(GO) vet ./... && $(GO) test ./...
	cd $(APP) && $(NPM) run --silent check && $(NPM) run --silent size && $(NPM) test --silent
	cd $(APP) && $(NPM) run --silent e2e

race: ## Go tests alone, with the race detector
	$(GO) test -race ./...

fuzz: ## fuzz each parser for 30 seconds
	@$(GO) list ./... | while read -r pkg; do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep ^Fuzz); do \
	    echo "$$pkg $$f" && $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 30s -fuzzminimizetime 1x $$pkg || exit 1; \
	  done; done

bench: build ## measure, each figure beside a peer or a floor in the same run; about half an hour on two cores
	$(GO) test -run '^$$' -bench . -benchtime 1s -timeout 30m ./...
	cd bench && $(GO) test -run '^$$' -bench . -benchtime 1s -timeout 30m ./...

bench-ui: build ## measure the pages in Chromium, each figure beside its budget
	cd $(APP) && BENCH=1 $(NPM) run --silent e2e -- e2e/budget.spec.ts

crash: ## kill the store 200 times at random instants, and look for everything that was acknowledged
	PROCMON_STORAGE_CRASH_KILLS=200 PROCMON_STORAGE_MODEL_SEEDS=100 PROCMON_STORAGE_FULL_ROUNDS=40 \
	  $(GO) test -timeout 30m -v -run 'KilledAtRandomInstants|AgreesWithPlainList|Disk' ./storage
	$(GO) test -timeout 30m -v ./test/crash

soak: ## half an hour of scrapes at 1 Hz, in which the exporter must not grow
	SOAK=30m $(GO) test -timeout 45m -v -run DoesNotGrow ./test/soak

fmt: ## format the Go files
	gofmt -w $$(git ls-files '*.go')

lint: ## golangci-lint and govulncheck, as pinned in tools/go.mod
	$(GO) tool -modfile=tools/go.mod golangci-lint run ./...
	$(GO) tool -modfile=tools/go.mod govulncheck ./...

clean: ## remove what was built
	rm -rf bin dist cmd/*/*.syso deploy/windows/setup/*.syso $(APP)/dist/assets $(PAGES) $(APP)/node_modules

.PHONY: help run build pages windows crash soak resources msi dist test race fuzz bench bench-ui fmt lint clean

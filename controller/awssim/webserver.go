package awssim

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// webServer is an HTTP server whose close waits for its handlers, which
// http.Server.Close does not do and which Shutdown does only by polling.
type webServer struct {
	address  string
	listener net.Listener
	server   *http.Server
	served   chan struct{}

	mu       sync.Mutex
	closed   bool
	handlers sync.WaitGroup
}

func newServer(listener net.Listener, handler http.Handler) *webServer {
	w := &webServer{address: listener.Addr().String(), listener: listener, served: make(chan struct{})}
	w.server = &http.Server{Handler: w.counted(handler), ReadHeaderTimeout: 10 * time.Second}
	return w
}

func (w *webServer) start() {
	go func() {
		defer close(w.served)
		_ = w.server.Serve(w.listener) // always http.ErrServerClosed after close
	}()
}

func (w *webServer) counted(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !w.enter() {
			return
		}
		defer w.handlers.Done()
		handler.ServeHTTP(rw, r)
	})
}

func (w *webServer) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.handlers.Add(1)
	return true
}

func (w *webServer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	_ = w.server.Close()
	<-w.served
	w.handlers.Wait()
}

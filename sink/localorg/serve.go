package localorg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// shutdownGrace is how long Serve waits for requests under way once its context has ended.
const shutdownGrace = 10 * time.Second

// Serve serves the org on a listener until ctx ends, then lets the requests under way finish.
// Requests for hosts other than loopback names and the listener's own address are refused, so
// that a web page cannot reach the org by rebinding a name; on a listener that is not on
// loopback any IP address will do, since those cannot be rebound.
// Credentials has the URL from the moment Serve is called. Serve closes the listener.
func (o *Org) Serve(ctx context.Context, l net.Listener) error {
	o.announce(l.Addr())
	srv := &http.Server{
		Handler:           o.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       5 * time.Minute,
		WriteTimeout:      10 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(o.cfg.Logger.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(limitConnections(l, maxConnections)) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve local org: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		_ = srv.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve local org: %w", err)
	}
	return nil
}

// announce notes the address at which the org is reached.
func (o *Org) announce(addr net.Addr) {
	u := URL(addr)
	o.url.Store(&u)
	o.hosts.Store(&map[string]bool{strings.ToLower(addr.String()): true, strings.TrimPrefix(u, "http://"): true})
	if tcp, isTCP := addr.(*net.TCPAddr); isTCP {
		o.open.Store(!tcp.IP.IsLoopback())
	}
}

// URL returns the instance URL of an org that is served on an address.
func URL(addr net.Addr) string {
	if tcp, isTCP := addr.(*net.TCPAddr); isTCP && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
	}
	return "http://" + strings.ToLower(addr.String())
}

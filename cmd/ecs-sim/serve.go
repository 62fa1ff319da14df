package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ecs-scrape/controller/awssim"
)

// serveOptions are the flags of `ecs-sim serve`.
type serveOptions struct {
	listen     string
	proxy      string
	scenario   string
	live       bool
	liveEvery  time.Duration
	noQuotas   bool
	account    string
	region     string
	queue      string
	seed       uint64
	eventDelay time.Duration
	startDelay time.Duration
	stopDelay  time.Duration
}

func newServeCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the simulated account until interrupted",
		Long: `Serve the simulated account until interrupted.

It prints the environment that makes any AWS client use it, and the proxy
through which its tasks can be scraped.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:4566", "address of the AWS endpoint")
	f.StringVar(&o.proxy, "proxy.listen", "127.0.0.1:0", "address of the proxy in front of the tasks")
	f.StringVar(&o.scenario, "scenario", "shop", "what the account holds: shop or empty")
	f.BoolVar(&o.live, "live", false, "let the shop deploy, scale and replace machines")
	f.DurationVar(&o.liveEvery, "live.every", 10*time.Second, "mean time between the changes of --live")
	f.BoolVar(&o.noQuotas, "no-quotas", false, "switch the request quotas off")
	f.StringVar(&o.account, "account", "123456789012", "account id")
	f.StringVar(&o.region, "region", "us-east-1", "region")
	f.StringVar(&o.queue, "events-queue", "ecs-events", "name of the queue that gets the account's ECS events")
	f.Uint64Var(&o.seed, "seed", 1, "seed of identifiers and of --live")
	f.DurationVar(&o.eventDelay, "event-delay", 0, "time between a change and its event")
	f.DurationVar(&o.startDelay, "start-delay", 2*time.Second, "time a task takes to start")
	f.DurationVar(&o.stopDelay, "stop-delay", 2*time.Second, "time a task takes to stop")
	return cmd
}

func serve(ctx context.Context, o serveOptions, out io.Writer) error {
	if o.scenario != "shop" && o.scenario != "empty" {
		return fmt.Errorf("unknown scenario %q: use shop or empty", o.scenario)
	}
	sim, err := awssim.Start(o.simulator())
	if err != nil {
		return fmt.Errorf("start the simulator: %w", err)
	}
	defer sim.Close()
	queue := sim.SubscribeQueue(o.queue)
	if err := sim.CreateBucket("specs"); err != nil {
		return err
	}
	if o.scenario == "empty" {
		announce(out, sim, queue)
		<-ctx.Done()
		return nil
	}
	shop, err := awssim.Shop(sim)
	if err != nil {
		return fmt.Errorf("build the shop: %w", err)
	}
	announce(out, sim, queue)
	if !o.live {
		<-ctx.Done()
		return nil
	}
	return shop.Live(ctx, o.liveEvery, func(change string) {
		_, _ = fmt.Fprintf(out, "# %s %s\n", time.Now().Format(time.TimeOnly), change)
	})
}

func (o serveOptions) simulator() awssim.Options {
	opts := awssim.Options{
		Account: o.account, Region: o.region, Seed: o.seed,
		EventDelay: o.eventDelay, StartDelay: o.startDelay, StopDelay: o.stopDelay,
		ListenAddress: o.listen, ProxyListenAddress: o.proxy,
	}
	if o.noQuotas {
		opts.Quotas = awssim.NoQuotas()
	}
	return opts
}

// announce prints what a shell can evaluate.
func announce(out io.Writer, sim *awssim.Sim, queue string) {
	_, _ = fmt.Fprintf(out, "# The simulated account listens on %s. In another shell:\n", sim.URL())
	for _, variable := range sim.Env() {
		_, _ = fmt.Fprintln(out, "export "+variable)
	}
	_, _ = fmt.Fprintf(out, "# Events of ECS arrive in the queue:\nexport ECS_SCRAPE_ECS_EVENTS_QUEUE=%s\n", queue)
	_, _ = fmt.Fprintf(out, "# Tasks are scraped through the proxy; in a scrape configuration:\n#   proxy_url: %s\n", sim.ProxyURL())
	_, _ = fmt.Fprintf(out, "# The bucket s3://specs is there to put specs in. Interrupt to end.\n")
}

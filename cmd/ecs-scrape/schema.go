package main

import (
	"io"

	"github.com/spf13/cobra"

	"ecs-scrape/spec"
)

func newSchemaCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the kinds",
		Long: `Prints a JSON Schema (draft-07) of one document: a ScrapeTarget, a
PrometheusConfig, a PrometheusRule in either form, or a rule file. Editors
complete and check by it; validate judges more.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), spec.Schema())
			return err
		},
	}
}

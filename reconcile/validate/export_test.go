package validate

import "github.com/prometheus/prometheus/promql/parser"

// ParseExpr is as the rules' expressions are judged.
func ParseExpr(o Options, text string) (parser.Expr, error) { return o.dialect().ParseExpr(text) }

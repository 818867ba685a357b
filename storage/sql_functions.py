"""Functions that SQL written by a person may call: none of them touches a file, the network or a setting.

DuckDB can't be interrupted inside ``range(1000000000)``, so a list of what is allowed keeps time honest too.
"""

from __future__ import annotations

AGGREGATES = frozenset({
    "avg", "sum", "count", "count_star", "min", "max", "median", "quantile", "quantile_cont", "quantile_disc",
    "stddev_samp", "stddev", "stddev_pop", "var_samp", "variance", "var_pop", "corr", "covar_samp", "covar_pop",
    "bool_and", "bool_or", "approx_count_distinct", "mode", "any_value", "arg_max", "arg_min", "max_by",
    "min_by", "skewness", "kurtosis", "entropy", "product", "geomean", "mean", "fsum", "count_if", "countif",
})  # fmt: skip
SCALARS = frozenset({
    "+", "-", "*", "/", "//", "%", "**", "^", "~~", "!~~", "~~*", "!~~*", "||", "abs", "ceil", "ceiling",
    "floor", "round", "trunc", "sign", "sqrt", "cbrt", "exp", "ln", "log", "log2", "log10", "pow", "power",
    "mod", "greatest", "least", "coalesce", "ifnull", "nullif", "isnan", "isfinite", "isinf", "lower", "upper",
    "trim", "ltrim", "rtrim", "length", "strlen", "substring", "substr", "left", "right", "contains",
    "starts_with", "prefix", "ends_with", "suffix", "like_escape", "regexp_matches", "date_part", "datepart",
    "date_trunc", "date_diff", "datediff", "year", "month", "day", "hour", "minute", "second", "dayofweek",
    "isodow", "dow", "week", "quarter", "epoch", "epoch_ms", "strftime", "is_distinct_from", "if",
})  # fmt: skip
WINDOWS = frozenset({
    "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "first_value",
    "last_value", "nth_value", "first", "last",
})  # fmt: skip
_OTHERS = frozenset({
    "approx_quantile", "arbitrary", "histogram", "list", "array_agg", "string_agg", "group_concat", "listagg", "mad",
    "quantile_cont", "regr_slope", "regr_intercept", "regr_r2", "sem", "bit_and", "bit_or", "count_distinct",
    "concat", "concat_ws", "replace", "reverse", "lpad", "rpad", "split_part", "regexp_extract", "regexp_replace",
    "ilike", "not_like", "not_ilike", "instr", "strpos", "position", "hash", "md5", "bit_length", "ascii", "chr", "bar",
    "format", "printf", "time_bucket", "to_timestamp", "make_timestamp", "strptime", "try_strptime", "dayname",
    "monthname", "hour", "minute", "second", "millisecond", "date_add", "date_sub", "datesub", "age", "last_day",
    "to_days", "to_hours", "to_minutes", "to_seconds", "typeof", "width_bucket", "signbit", "even", "sin", "cos", "tan",
    "atan", "atan2", "asin", "acos", "pi", "radians", "degrees", "isnull", "is_not_null", "not", "!", "unary_minus",
    "row", "struct_pack", "list_value", "array_length", "len", "list_contains", "array_extract", "struct_extract",
    "grouping", "random", "constant_or_null", "subtract", "add", "multiply", "divide", "epoch_us", "julian", "quarter",
    "weekofyear", "yearweek", "century", "era", "damerau_levenshtein", "levenshtein", "jaccard",
})  # fmt: skip
FUNCTIONS = AGGREGATES | SCALARS | WINDOWS | _OTHERS
"""Everything a query over a log may call; a business metric keeps to the first two lists."""

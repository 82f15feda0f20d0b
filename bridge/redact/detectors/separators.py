"""What stands between a name and its value, in all notations."""

# ruff: noqa: E501 - a pattern is read on one line

from __future__ import annotations

import re
from typing import Final

from bridge.redact.expressions import lazy

# The name is closed by its quote, by brackets, by emphasis; then comes the separator.
SEPARATOR: Final = lazy(
    r"""
    (?P<quote>\\{0,15}["'`]|&quot;|&\#(?:0?3[49]|[xX]0?2[27]);|&apos;|%2[27]|\\{1,15}u002[27])?
    (?:[\])}]{1,2}(?:\\{0,15}["'`])?|\[\d{0,3}\]|[ ]\#?\d{1,2}(?=[ \t]{0,3}[:=])|[ ]?\.{2,40}(?=[ :])|\*{1,3}|_{1,2}|\?|!|[ ]\([A-Za-z][\w ,.-]{0,30}\))?
    [ \t]{0,24}
    (?:
        (?P<op>:{2,4}=|:=|\?=|=>|={1,3}|!={1,2}|~=|->|<-|\?\?=|\+=|\|\|=|::?|%3[DdAa]|\\{1,15}(?:u003[dD]|uff1a|u2192)|[→⇒])
      | (?P<apart>[,;{]?(?:\s{1,20}(?:type|description|sensitive|nullable)\s{0,8}=[^\n]{0,100}){0,3}(?:\s|\\{1,15}[nr]|[+-](?=[ \t])){0,40}(?:\\{0,15}["']?(?:[Tt]ype|sensitive|[Vv]ersion)\\{0,15}["']?[ ]{0,4}:[ ]{0,4}[^,{}\n]{1,60},\s{0,20}){0,3}\\{0,15}["']?(?:[Vv]alue|val|content|default|defaultValue|(?P<typed>text))\\{0,15}["']?[ \t]{0,8}[:=])
      | (?P<inner>/?>\s{0,40}<(?:[Vv]alue|string|val)>|</(?:[\w-]{1,20}-)?(?:key|name)>\s{0,40}<(?:[\w-]{1,20}-)?(?:string|value)>)
      | (?P<or>(?:\|\||\?\?|or[ ])(?=[ \t]{0,4}\\{0,15}["'`]))
      | (?P<table>\|)
      | (?P<xml>>|&gt;)
      | (?P<comma>,)
      | (?P<call>[({](?=[^\S\n]{0,4}(?:[\w.\[\]&]{1,40},[ ]{0,4}|[rbfuL@$]{1,2})?\\{0,15}["'`]))
      | (?P<paren>[\[(](?:value[=:][ ]?)?(?=[A-Za-z0-9+/_-]{12}))
      | (?P<dash>[-–—][ \t])
    )
    (?:\*{1,3}(?=[ \t])|_{2}(?=[ \t]))?
    (?:(?:%20){1,8}|\+(?=%22)|[ \t]{0,24})
    """,
    re.X,
)
# What most separators are, read as `SEPARATOR` reads them.
PLAIN_SEPARATOR: Final = re.compile(r"(?P<quote>[\"']?)(?P<op>[:=])(?![:=>*_])[ \t]{0,24}")

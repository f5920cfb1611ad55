#!/bin/sh
# Makes the subsets of DejaVu Sans from Debian's fonts-dejavu-core with
# fonttools. Regular: Latin, Greek, sub- and superscripts, arrows and mathematical
# symbols. Bold, for titles: fewer symbols.
set -eu
cd "$(dirname "$0")"
subset() {
    pyftsubset "/usr/share/fonts/truetype/dejavu/$1.ttf" --output-file="$1-subset.ttf" \
        --unicodes="$2" --no-hinting --layout-features=kern,mark,mkmk,ccmp \
        --name-IDs=0,1,2,3,4,5,6,13,14 --notdef-outline
}
subset DejaVuSans U+0020-007E,U+00A0-00FF,U+0131,U+0302-0304,U+0391-03A9,U+03B1-03C9,U+03D1,U+03D5,U+03F5,U+2010-2016,U+2018-201D,U+2020-2022,U+2026,U+2030,U+2032,U+2033,U+2070-208E,U+2090-209C,U+2113,U+2190-2194,U+21D2,U+21D4,U+2202,U+2206,U+2207,U+2208,U+2211,U+2212,U+2213,U+2215,U+2217-221A,U+221D,U+221E,U+2223,U+2225,U+2227,U+222B,U+223C,U+2248,U+2260,U+2261,U+2264,U+2265,U+226A,U+226B,U+22C5,U+27E8,U+27E9,U+FFFD
subset DejaVuSans-Bold U+0020-007E,U+00A0,U+00B0-00B3,U+00B7,U+00B9,U+00D7,U+0391-03A9,U+03B1-03C9,U+2011,U+2013,U+2016,U+2018-201D,U+2026,U+2070-2089,U+2192,U+2202,U+2212,U+221A,U+221D,U+221E,U+2248,U+2264,U+2265,U+226A,U+226B

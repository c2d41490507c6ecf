#!/usr/bin/env bash
# Writes the workbooks of this directory again from their sources, *.fods: needs LibreOffice Calc (on Debian,
# libreoffice-calc-nogui). The ones that git tracks are by LibreOffice 7.4.7.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
soffice "-env:UserInstallation=file://$profile" --headless --convert-to xlsx:"Calc MS Excel 2007 XML" --outdir . ./*.fods

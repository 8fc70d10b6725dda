. /loadlock-vm/checks.sh
. /loadlock-vm/suite.sh
echo DONE

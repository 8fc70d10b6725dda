. /loadlock-vm/checks.sh
echo DONE

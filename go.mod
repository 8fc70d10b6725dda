module github.com/loadlock/loadlock

go 1.26.0

#!/bin/sh
# Put this host's configuration in place: as root on ${name}, in the directory that
# render.py wrote for it. Starts and restarts nothing; may be run again.
set -eu
cd "$$(dirname "$$0")"

[ "$$(id -u)" = 0 ] || { echo "install.sh: error: must run as root" >&2; exit 1; }
for user in etcd postgres haproxy; do
    id "$$user" >/dev/null 2>&1 || {
        echo "install.sh: error: no user $$user here: install etcd-server, patroni," \
            "pgbouncer, haproxy and postgresql-17 first" >&2
        exit 1
    }
done

put() { # OWNER MODE PATH
    install -D -o "$$1" -g "$$1" -m "$$2" "./$$3" "/$$3"
}

put root 0644 etc/default/etcd
put root 0600 etc/patroni_env.conf
put postgres 0600 etc/patroni/config.yml
put postgres 0600 etc/pgbouncer/pgbouncer.ini
put postgres 0600 etc/pgbouncer/hba.conf
put postgres 0600 etc/pgbouncer/userlist.txt
put root 0644 etc/haproxy/haproxy.cfg
put root 0644 etc/fedsafe-db/ca.crt
put etcd 0644 etc/fedsafe-db/etcd.crt
put etcd 0600 etc/fedsafe-db/etcd.key
put postgres 0644 etc/fedsafe-db/postgres.crt
put postgres 0600 etc/fedsafe-db/postgres.key
put postgres 0644 etc/fedsafe-db/pgbouncer.crt
put postgres 0600 etc/fedsafe-db/pgbouncer.key
for unit in etcd haproxy patroni pgbouncer; do
    put root 0644 "etc/systemd/system/$$unit.service.d/fedsafe.conf"
done
systemctl daemon-reload

# What keeps a database elsewhere does when it is asked for snapshots: they are dumps in a folder, and
# copies are databases of another server. Run by: sh snapshot.sh FOLDER, with the variables of a hook.
# shellcheck shell=sh disable=SC1090,SC1091,SC2154 # dump, client, options and other come from settings
set -eu
here=$1
. "$here/settings"
snapshot=$here/snapshots/${ZENML_UPGRADE_SNAPSHOT:?}
real=${ZENML_UPGRADE_DATABASE_NAME:?}
copy=$(printf %s "${ZENML_UPGRADE_COPY-}" | tr - _)
echo "$ZENML_UPGRADE_HOOK ${ZENML_UPGRADE_RESTORE_TO-}" >>"$here/log"

# on SERVER ARGS...: a client of the real server or of the copies' one.
on() {
	server=$1
	shift
	"$client" --defaults-file="$here/$server.cnf" --batch --skip-column-names --binary-mode --default-character-set=utf8mb4 "$@"
}

# load SERVER DATABASE: the database becomes the snapshot.
load() {
	on "$1" -e "DROP DATABASE IF EXISTS \`$2\`; CREATE DATABASE \`$2\` $(cat "$snapshot.charset")"
	on "$1" "$2" <"$snapshot.sql"
}

# What a test has this command do first.
if [ -e "$here/before-$ZENML_UPGRADE_HOOK" ]; then . "$here/before-$ZENML_UPGRADE_HOOK"; fi
case $ZENML_UPGRADE_HOOK in
take)
	on real "$real" -e "SELECT CONCAT('CHARACTER SET ', @@character_set_database, ' COLLATE ', @@collation_database)" >"$snapshot.charset"
	# shellcheck disable=SC2086 # several words
	"$dump" --defaults-file="$here/real.cnf" $options --ignore-table="$real.zenml_upgrade_marker" "$real" >"$snapshot.sql"
	;;
restore)
	if [ "$ZENML_UPGRADE_RESTORE_TO" = original ]; then
		load real "$real"
	else
		load copies "$copy"
		echo "mysql://$other/$copy"
	fi
	;;
drop) on copies -e "DROP DATABASE IF EXISTS \`$copy\`" ;;
forget) rm -f "$snapshot.sql" "$snapshot.charset" ;;
esac

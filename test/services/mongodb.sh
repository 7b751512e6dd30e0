#!/bin/sh
# Brings a server that speaks MongoDB's protocol for the tests of the desired state: mongo-java-server with a small start
# program (test/services/mongodb), fetched by Maven, once. Installs Java and Maven where they are missing and root may do so.
# Does nothing where it is there already. The tests start it themselves (test/services/mongodb.ts).
set -eu

here=$(cd "$(dirname "$0")" && pwd)/mongodb
services=${XDG_CACHE_HOME:-$HOME/.cache}/the0-services
home=$services/mongodb
bin=$services/bin

say() { echo "mongodb: $*"; }

missing=
command -v javac >/dev/null || missing="$missing default-jdk-headless"
command -v mvn >/dev/null || missing="$missing maven"

is_current() {
  [ -x "$bin/mongo-java-server" ] && cmp -s "$here/pom.xml" "$home/pom.xml" &&
    cmp -s "$here/MongoSubstitute.java" "$home/MongoSubstitute.java"
}

if is_current && command -v java >/dev/null; then
  say "$bin/mongo-java-server is there already"
  exit 0
fi
if [ -n "$missing" ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "needs a Java compiler (17 or newer) and Maven; missing here (as Debian calls them):$missing" >&2
    exit 1
  fi
  say "installing$missing"
  apt-get update -qq
  # shellcheck disable=SC2086 # a list of packages
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
say "fetching it"
mkdir -p "$home" "$bin"
cp "$here/pom.xml" "$here/MongoSubstitute.java" "$home/"
(
  cd "$home"
  mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib
  javac -cp 'lib/*' MongoSubstitute.java
)
cat >"$bin/mongo-java-server.new" <<END
#!/bin/sh
exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '$home/lib/*:$home' MongoSubstitute "\$@"
END
chmod +x "$bin/mongo-java-server.new"
mv "$bin/mongo-java-server.new" "$bin/mongo-java-server"
say "$bin/mongo-java-server is ready"

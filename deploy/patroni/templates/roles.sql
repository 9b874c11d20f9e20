-- Roles and database of FedSafe, once, on the leader. May be run again: it then sets the
-- passwords anew. It holds verifiers (SCRAM), from which no password can be computed.
--
-- fedsafe_owner owns the tables and runs the migrations. fedsafe_node is what a running node is:
-- it owns nothing, and the migrations give it what each table needs; of a log it may add rows and
-- read them.
\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I LOGIN', name)
  FROM unnest(ARRAY['fedsafe_owner', 'fedsafe_node']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE fedsafe_owner NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD '${owner_verifier}';
ALTER ROLE fedsafe_node NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD '${node_verifier}';

SELECT 'CREATE DATABASE fedsafe OWNER fedsafe_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'fedsafe')
\gexec

REVOKE ALL ON DATABASE fedsafe FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE fedsafe TO fedsafe_node;

\connect fedsafe
ALTER SCHEMA public OWNER TO fedsafe_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO fedsafe_node;

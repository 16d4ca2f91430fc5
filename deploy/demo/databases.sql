-- The stores of the sidecars: one for each configuration. Sidecars that share a store have the same configuration.
CREATE DATABASE sidecar_one;
CREATE DATABASE sidecar_two;

-- Synapse insists on the collation C.
CREATE DATABASE synapse_one ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
CREATE DATABASE synapse_two ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
CREATE DATABASE synapse_three ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;

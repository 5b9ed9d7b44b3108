-- Frozen: what holds for a variant: its own value where it has one, its product's otherwise, each environment figure by
-- itself. A variant with materials, claims or journey steps of its own has all of that kind from there; lists are
-- replaced, never merged.
CREATE VIEW catalog.effective_variants WITH (security_invoker = true) AS
SELECT v.tenant_id, v.id AS variant_id, p.id AS product_id, p.handle, v.position, v.barcode, v.sku,
       coalesce(v.title, p.title) AS title,
       coalesce(v.description, p.description) AS description,
       coalesce(v.image_url, p.image_url) AS image_url,
       p.status, m.name AS manufacturer, c.path AS category, s.name AS season,
       ARRAY(SELECT t.name FROM catalog.product_tags pt JOIN catalog.tags t ON t.id = pt.tag_id
              WHERE pt.product_id = p.id ORDER BY pt.position) AS tags,
       ARRAY(SELECT a.name || '=' || av.name
               FROM catalog.product_variant_attributes va
               JOIN catalog.attributes a ON a.id = va.attribute_id
               JOIN catalog.attribute_values av ON av.id = va.attribute_value_id
              WHERE va.variant_id = v.id ORDER BY va.position) AS attributes,
       coalesce(ve.carbon_kg, pe.carbon_kg) AS carbon_kg, coalesce(ve.water_l, pe.water_l) AS water_l,
       coalesce(vw.weight, pw.weight) AS weight, coalesce(vw.unit, pw.unit) AS weight_unit,
       CASE WHEN EXISTS (SELECT FROM catalog.variant_eco_claims o WHERE o.variant_id = v.id)
            THEN ARRAY(SELECT e.name FROM catalog.variant_eco_claims o JOIN catalog.eco_claims e ON e.id = o.eco_claim_id
                        WHERE o.variant_id = v.id ORDER BY o.position)
            ELSE ARRAY(SELECT e.name FROM catalog.product_eco_claims o JOIN catalog.eco_claims e ON e.id = o.eco_claim_id
                        WHERE o.product_id = p.id ORDER BY o.position) END AS eco_claims,
       CASE WHEN EXISTS (SELECT FROM catalog.variant_materials o WHERE o.variant_id = v.id)
            THEN ARRAY(SELECT e.name || coalesce(' ' || trim_scale(o.percentage) || ' %', '')
                         FROM catalog.variant_materials o JOIN catalog.materials e ON e.id = o.material_id
                        WHERE o.variant_id = v.id ORDER BY o.position)
            ELSE ARRAY(SELECT e.name || coalesce(' ' || trim_scale(o.percentage) || ' %', '')
                         FROM catalog.product_materials o JOIN catalog.materials e ON e.id = o.material_id
                        WHERE o.product_id = p.id ORDER BY o.position) END AS materials,
       CASE WHEN EXISTS (SELECT FROM catalog.variant_journey_steps o WHERE o.variant_id = v.id)
            THEN ARRAY(SELECT o.step || ': ' || f.name
                         FROM catalog.variant_journey_steps o JOIN catalog.facilities f ON f.id = o.facility_id
                        WHERE o.variant_id = v.id ORDER BY array_position(ARRAY['raw_material', 'weaving', 'dyeing_printing', 'stitching', 'assembly', 'finishing'], o.step), o.position)
            ELSE ARRAY(SELECT o.step || ': ' || f.name
                         FROM catalog.product_journey_steps o JOIN catalog.facilities f ON f.id = o.facility_id
                        WHERE o.product_id = p.id ORDER BY array_position(ARRAY['raw_material', 'weaving', 'dyeing_printing', 'stitching', 'assembly', 'finishing'], o.step), o.position) END AS journey
  FROM catalog.product_variants v
  JOIN catalog.products p ON p.id = v.product_id
  LEFT JOIN catalog.manufacturers m ON m.id = p.manufacturer_id
  LEFT JOIN catalog.taxonomy_categories c ON c.id = p.category_id
  LEFT JOIN catalog.seasons s ON s.id = p.season_id
  LEFT JOIN catalog.product_environment pe ON pe.product_id = p.id
  LEFT JOIN catalog.variant_environment ve ON ve.variant_id = v.id
  LEFT JOIN catalog.product_weight pw ON pw.product_id = p.id
  LEFT JOIN catalog.variant_weight vw ON vw.variant_id = v.id;
